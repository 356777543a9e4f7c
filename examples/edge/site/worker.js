// A Worker that says what digit a picture shows: POST 784 bytes, 28 x 28 pixels, white on black.
import { infer } from "./digit/worker.js";

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response("POST 28 x 28 bytes", { status: 405 });
    const pixels = new Uint8Array(await request.arrayBuffer());
    if (pixels.length !== 784) {
      return new Response(`expected 784 bytes, got ${pixels.length}`, { status: 400 });
    }
    const probabilities = [...infer(Float32Array.from(pixels, (p) => p / 255))];
    const digit = probabilities.indexOf(Math.max(...probabilities));
    return Response.json({ digit, probabilities });
  },
};
