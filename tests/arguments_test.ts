/**
 * Mistakes that people make: every call says its own name, what it met and what it expected, and changes nothing.
 */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as torch from "../mod.ts";

const { F } = torch;
// deno-lint-ignore no-explicit-any
const any = torch as any, ANY_F = F as any;
const matrix = () => torch.tensor([[1, 2, 3], [4, 5, 6.5]]);
// deno-lint-ignore no-explicit-any
const x: any = matrix();

const MISTAKES: [() => unknown, typeof RangeError | typeof TypeError, RegExp][] = [
  [() => any.zeros("a"), TypeError, /^zeros: .*"a"/],
  [() => any.zeros(), TypeError, /^zeros: no sizes are given/],
  [
    () => any.zeros([2], { dtyp: torch.int64 }),
    TypeError,
    /^zeros: no option dtyp; expected dtype/,
  ],
  [() => any.zeros([2], { dtype: "int64" }), TypeError, /^zeros: dtype must be one .* got "int64"/],
  [() => any.zerosLike(), TypeError, /^zerosLike: input must be a tensor, got undefined/],
  [() => any.tril(), TypeError, /^tril: input must be a tensor, got undefined/],
  [() => any.diag(5), TypeError, /^diag: input must be a tensor, got 5/],
  [() => any.sum([1, 2]), TypeError, /^sum: input must be a tensor, got \[1, 2\]/],
  [() => any.tensor(null), TypeError, /^tensor: expected numbers.*, got null/],
  [() => any.tensor({ a: 1 }), TypeError, /^tensor: expected numbers.*, got an object with a$/],
  [
    () => any.tensor([[1], [2, 3]]),
    RangeError,
    /^tensor: expected an array of length 1 at depth 1/,
  ],
  [
    () => any.tensor([1], torch.float64),
    TypeError,
    /^tensor: the dtype and other options are given/,
  ],
  [() => torch.tensor([NaN], { dtype: torch.int64 }), RangeError, /^tensor: NaN has no place/],
  [() => torch.tensor([2n ** 63n]), RangeError, /^tensor: 9223372036854775808 does not fit/],
  [() => x.view("3"), TypeError, /^view: size must be whole numbers, got "3"/],
  [() => x.sum({ dims: 1 }), TypeError, /^sum: no option dims; expected dim, keepdim, dtype/],
  [() => x.at(1.5), TypeError, /^at: expected a whole number, a slice.* got 1.5/],
  [() => x.at([1.5]), TypeError, /^at: an index must be a whole number, got 1.5/],
  [() => x.at({}), TypeError, /^at: .* got an empty object/],
  [() => x.transpose(0), TypeError, /^transpose: dim must be a whole number, got none/],
  [() => x.squeeze("a"), TypeError, /^squeeze: dim must be a whole number, got "a"/],
  [() => x.movedim(0, "a"), TypeError, /^movedim: dim must be a whole number, got "a"/],
  [() => x.asStrided([2]), TypeError, /^asStrided: stride must be a whole number, got undefined/],
  [() => x.roll("a"), TypeError, /^roll: shifts must be a whole number, got "a"/],
  [() => x.type(5), TypeError, /^type: expected a dtype or its name, got 5/],
  [() => x.softmax(1, torch.ones(1)), TypeError, /^softmax: dtype .* got a tensor of shape \[1\]/],
  [() => x.add("a"), TypeError, /^add: other must be .*/],
  [() => x.matmul(x), RangeError, /^matmul: \[2, 3\] x \[2, 3\]/],
  [() => ANY_F.leakyRelu(x, "a"), TypeError, /^leakyRelu: expected a number, got "a"/],
  [() => ANY_F.mseLoss(x, x, { reduction: 3n }), RangeError, /^mseLoss: reduction .* got 3/],
  [() => any.arange(2n ** 53n + 1n, 2n ** 53n + 3n), RangeError, /^arange: start .* beyond 2\^53/],
  [() => torch.tensor(1).size(0), RangeError, /^size: a 0-d tensor has no axis 0/],
  [() => any.promoteTypes(1), TypeError, /^promoteTypes: expected two dtypes/],
  [() => any.noGrad(5), TypeError, /^expected a function to run in this mode, got 5/],
  [() => any.autograd.grad(), TypeError, /^autograd.grad: no inputs/],
  [
    () => any.autograd.grad("a", x),
    TypeError,
    /^autograd.grad: result 0 must be a tensor, got "a"/,
  ],
  [
    () => x.sum().requiresGrad_().backward(1),
    TypeError,
    /^backward: the gradient must be a tensor/,
  ],
  [() => x.clone().requiresGrad_().registerHook(5), TypeError, /^registerHook: the hook must be/],
  [() => x.grad = 0, TypeError, /^grad: expected a tensor of float32 or null, got number/],
  [
    () => x.grad = torch.ones(7),
    RangeError,
    /^grad: expected the tensor's shape \[2, 3\], got \[7\]/,
  ],
];

Deno.test("mistakes are refused by name, with what was met and expected", () => {
  for (const [call, kind, message] of MISTAKES) {
    assertMatch(assertThrows(call, kind).message, message);
    assertEquals(x.tolist(), matrix().tolist());
  }
  // Nothing that was refused has upset the memory.
  assertEquals(torch.ones(1000).sum().item(), 1000);
});

Deno.test("whole numbers may be bigints", () => {
  assertEquals(x.sum(1n).tolist(), [6, 15.5]);
  assertEquals(x.tril(-1n).tolist(), [[0, 0, 0], [4, 0, 0]]);
});

Deno.test("JSON.stringify gives nested elements", () => {
  assertEquals(JSON.stringify({ x }), '{"x":[[1,2,3],[4,5,6.5]]}');
  assertEquals(JSON.stringify(torch.tensor([1n, 2n ** 60n])), '[1,"1152921504606846976"]');
});
