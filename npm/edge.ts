/**
 * Stands in for `torch.edge`, whose compiler only Deno runs.
 */
const refuse = (call: string) => (): Promise<never> =>
  Promise.reject(
    new Error(
      `${call}: models are exported in Deno, whose package brings the sources of their kernels; ` +
        "save the model here, with torch.save, and load and export it there",
    ),
  );

export const exportModel = /* @__PURE__ */ refuse("edge.export");
export { exportModel as export };
export const exportGPT = /* @__PURE__ */ refuse("edge.exportGPT");
