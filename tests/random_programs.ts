/**
 * The programs of tests/golden/train/rng.json in TypeScript, by name. Each returns what the Python snippet of that name
 * leaves in its variables.
 */
// deno-lint-ignore-file no-explicit-any

/** What programs are made of: parts of the library, and the tensors that PyTorch stored for the same program. */
export interface Parts {
  torch: any;
  nn: any;
  F: any;
  init: any;
  data: any;
  /** A stored tensor: inputs, such as those of `linspace`, are taken from there. */
  stored: (variable: string) => any;
}

/** Results under the letters a, b, c, ... */
const letters = (...xs: any[]) => Object.fromEntries(xs.map((x, i) => ["abcdefgh"[i], x]));
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const int64s = ({ torch }: Parts, xs: number[]) => torch.tensor(xs, { dtype: torch.int64 });
/** The batches of an epoch, joined. */
const epoch = (parts: Parts, loader: any) => int64s(parts, [...loader].flatMap((b) => b.tolist()));

const float64 = ({ torch }: Parts) => ({ dtype: torch.float64 });
const WEIGHTS = [0.1, 0, 2.5, 0.3, 1, 0.05, 0.7, 0, 3, 0.2, 0.9, 0.4, 0.6];
const ROWS = [[1, 2, 0.5, 0, 3], [0.2, 0.2, 0.2, 0.2, 0.2], [0, 5, 0.01, 1, 0.3]];

/** torch.linspace(0.1, 1, 20) of the build that stored the answers. */
const LINSPACE = (() => {
  const f32 = Math.fround, start = f32(0.1), step = f32(f32(1 - start) / 19);
  return Float32Array.from(
    range(20),
    (i) => i < 16 ? f32(start + step * (i & 8)) + f32(step * (i & 7)) : 1 - step * (19 - i),
  );
})();

export const programs: Record<string, (parts: Parts) => Record<string, any>> = {
  randn_shapes: ({ torch }) =>
    letters(
      torch.randn(3, 5),
      torch.randn(4, 4),
      torch.randn(2, 3, 4),
      torch.randn(31),
      torch.randn(33),
    ),
  randn_cached_small: ({ torch }) => letters(...[3, 2, 4, 1, 15].map((n) => torch.randn(n))),
  randn_cache_survives: (parts) => {
    const { torch } = parts;
    return letters(
      torch.randn(3),
      torch.randn(20),
      torch.rand(2),
      torch.randn(3, float64(parts)),
      torch.randn(2),
      torch.randint(0, 10, [3]),
      torch.randn(1),
    );
  },
  manual_seed_clears_cache: ({ torch }) => {
    const a = torch.randn(3);
    torch.manualSeed(99);
    return { a, b: torch.randn(3) };
  },
  mixed_stream: (parts) => {
    const { torch } = parts;
    return letters(
      torch.rand(3),
      torch.randint(0, 10, [5]),
      torch.randn(17),
      torch.randperm(5),
      torch.randn(2, 3, 4),
      torch.rand(2, float64(parts)),
      torch.rand(1),
    );
  },
  own_generator: ({ torch }) => {
    const generator = new torch.Generator().manualSeed(5);
    return letters(
      torch.randn(20, { generator }),
      torch.rand(3),
      torch.randperm(6, { generator }),
    );
  },
  normal_transposed: ({ torch }) => ({ x: torch.empty(5, 8).t().normal_() }),
  uniform_transposed: ({ torch }) => ({ x: torch.empty(5, 4).t().uniform_() }),
  randint_0_10: ({ torch }) => ({ x: torch.randint(0, 10, [50]) }),
  randint_m5_1000000007: ({ torch }) => ({ x: torch.randint(-5, 1000000007, [50]) }),
  randint_0_2p40: ({ torch }) => ({ x: torch.randint(0, 2 ** 40, [50]) }),
  randint_0_2p32: ({ torch }) => ({
    x: torch.randint(0, 2 ** 32, [20]),
    y: torch.randint(0, 2 ** 32 - 1, [20]),
  }),
  randint_i32_u8: ({ torch }) => ({
    x: torch.randint(0, 10, [20], { dtype: torch.int32 }),
    y: torch.randint(0, 256, [20], { dtype: torch.uint8 }),
  }),
  randint_f32: ({ torch }) => ({ x: torch.randint(0, 10, [20], { dtype: torch.float32 }) }),
  random_full64: ({ torch }) => ({
    x: torch.empty([20], { dtype: torch.int64 }).random_(-(2n ** 63n), null),
  }),
  random_i64: ({ torch }) => ({ x: torch.empty([20], { dtype: torch.int64 }).random_() }),
  random_i32: ({ torch }) => ({ x: torch.empty([20], { dtype: torch.int32 }).random_() }),
  random_f32: ({ torch }) => ({ x: torch.empty(20).random_() }),
  randperm_0_1_2: ({ torch }) => ({
    ...letters(torch.randperm(0), torch.randperm(1), torch.randperm(2)),
    r: torch.rand(1),
  }),
  randperm_10: ({ torch }) => ({ x: torch.randperm(10) }),
  randperm_1000: ({ torch }) => ({ x: torch.randperm(1000), r: torch.rand(1) }),
  bernoulli_tensor_f32: ({ torch, stored }) => {
    const p = stored("p");
    return { p, x: torch.bernoulli(p), r: torch.rand(1) };
  },
  bernoulli_tensor_f64: ({ torch, stored }) => {
    const p = stored("p");
    return { p, x: torch.bernoulli(p), r: torch.rand(1) };
  },
  bernoulli_scalar: ({ torch }) => ({ x: torch.empty(100).bernoulli_(0.3), r: torch.rand(1) }),
  multinomial_replacement: ({ torch }) => {
    const p = torch.tensor(WEIGHTS);
    return { p, x: torch.multinomial(p, 40, { replacement: true }), r: torch.rand(1) };
  },
  multinomial_replacement_2d: ({ torch }) => {
    const p = torch.tensor(ROWS);
    return { p, x: torch.multinomial(p, 6, { replacement: true }) };
  },
  multinomial_one: ({ torch }) => {
    const p = torch.tensor(WEIGHTS);
    return { p, x: torch.multinomial(p, 1), r: torch.rand(1) };
  },
  multinomial_no_replacement: ({ torch }) => {
    const p = torch.tensor(WEIGHTS);
    return { p, x: torch.multinomial(p, 5) };
  },
  multinomial_no_replacement_2d: ({ torch }) => {
    const p = torch.tensor(ROWS);
    return { p, x: torch.multinomial(p, 3) };
  },
  normal_mean_std: (parts) => {
    const { torch } = parts;
    return letters(
      torch.empty(100).normal_(1.5, 0.3),
      torch.empty(7).normal_(1.5, 0.3),
      torch.empty([40], float64(parts)).normal_(1.5, 0.3),
    );
  },
  normal_tensor_args: ({ torch }) =>
    letters(
      torch.normal(torch.tensor(range(5)), torch.tensor([0.5, 0.5, 0.5, 0.5, 0.5])),
      torch.normal(2, torch.fromArray(LINSPACE)),
    ),
  uniform_range: (parts) => {
    const { torch } = parts;
    return letters(
      torch.empty(100).uniform_(-0.7, 2.3),
      torch.empty([20], float64(parts)).uniform_(-0.7, 2.3),
    );
  },
  exponential: (parts) => {
    const { torch } = parts;
    return letters(
      torch.empty(50).exponential_(),
      torch.empty(20).exponential_(1.7),
      torch.empty([10], float64(parts)).exponential_(0.5),
    );
  },
  log_normal: ({ torch }) => ({ x: torch.empty(20).logNormal_(0.5, 0.25) }),
  cauchy: ({ torch }) => ({ x: torch.empty(20).cauchy_(0.5, 2) }),
  geometric: ({ torch }) => ({ x: torch.empty(20).geometric_(0.3) }),
  dropout_25: ({ torch, F, stored }) => {
    const x = stored("x");
    return { x, y: F.dropout(x, { p: 0.25, training: true }), r: torch.rand(1) };
  },
  dropout_10: ({ torch, F, stored }) => {
    const x = stored("x");
    return { x, y: F.dropout(x, { p: 0.1, training: true }), r: torch.rand(1) };
  },
  dropout_0_and_eval: ({ torch, F }) => ({
    y: F.dropout(torch.ones(5), { p: 0, training: true }),
    z: F.dropout(torch.ones(5), { p: 0.5, training: false }),
    r: torch.rand(1),
  }),
  dropout2d_25: ({ torch, F }) => ({ y: F.dropout2d(torch.ones(2, 6, 2, 2), { p: 0.25 }) }),
  alpha_dropout_25: ({ F, stored }) => {
    const x = stored("x");
    return { x, y: F.alphaDropout(x, { p: 0.25, training: true }) };
  },
  linear_7_5: ({ nn }) => ({ m: new nn.Linear(7, 5) }),
  linear_3_2: ({ torch, nn }) => ({
    m: new nn.Linear(3, 2),
    k: new nn.Linear(2, 3, { bias: false }),
    r: torch.rand(1),
  }),
  conv1d: ({ nn }) => ({ m: new nn.Conv1d(4, 6, 3) }),
  conv2d_3_8_3: ({ nn }) => ({ m: new nn.Conv2d(3, 8, 3) }),
  conv2d_groups: ({ nn }) => ({ m: new nn.Conv2d(4, 8, [3, 1], { groups: 2, bias: false }) }),
  conv_transpose2d_4_6_3: ({ nn }) => ({ m: new nn.ConvTranspose2d(4, 6, 3) }),
  embedding_11_6: ({ nn }) => ({ m: new nn.Embedding(11, 6) }),
  embedding_padding: ({ nn }) => ({ m: new nn.Embedding(5, 3, { paddingIdx: 1 }) }),
  bilinear: ({ nn }) => ({ m: new nn.Bilinear(3, 4, 2) }),
  rnn: ({ nn }) => ({ m: new nn.RNN(3, 4) }),
  lstm_2_layers: ({ nn }) => ({ m: new nn.LSTM(5, 6, { numLayers: 2 }) }),
  lstm_bidirectional: ({ nn }) => ({
    m: new nn.LSTM(3, 4, { bidirectional: true, batchFirst: true }),
  }),
  gru: ({ nn }) => ({ m: new nn.GRU(5, 6) }),
  lstm_cell_gru_cell: ({ nn }) => ({ m: new nn.LSTMCell(3, 4), k: new nn.GRUCell(3, 4) }),
  norms: ({ torch, nn }) => ({
    m: new nn.Sequential(
      new nn.LayerNorm(4),
      new nn.BatchNorm2d(3),
      new nn.GroupNorm(2, 4),
      new nn.PReLU(),
    ),
    r: torch.rand(1),
  }),
  multihead_attention: ({ torch, nn }) => ({
    m: new nn.MultiheadAttention(16, 4),
    r: torch.rand(1),
  }),
  multihead_attention_kdim: ({ torch, nn }) => ({
    m: new nn.MultiheadAttention(8, 2, { kdim: 6, vdim: 5, addBiasKv: true }),
    r: torch.rand(1),
  }),
  transformer_encoder_layer: ({ torch, nn }) => ({
    m: new nn.TransformerEncoderLayer(16, 4, 32),
    r: torch.rand(1),
  }),
  transformer_decoder_layer: ({ torch, nn }) => ({
    m: new nn.TransformerDecoderLayer(8, 2, 16),
    r: torch.rand(1),
  }),
  sequential_net: ({ torch, nn }) => ({
    m: new nn.Sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 3)),
    x: torch.randn(4, 6),
  }),
  init_uniform: ({ torch, init }) => ({ x: init.uniform_(torch.empty(6, 10), -0.5, 1.5) }),
  init_normal: ({ torch, init }) => ({ x: init.normal_(torch.empty(6, 10), 1, 0.02) }),
  init_trunc_normal: ({ torch, init }) =>
    letters(
      init.truncNormal_(torch.empty(6, 10)),
      init.truncNormal_(torch.empty(6, 10), { std: 0.02 }),
      init.truncNormal_(torch.empty(6, 10), { mean: 0.5, std: 2, a: -1, b: 3 }),
    ),
  init_xavier_uniform: ({ torch, init }) =>
    letters(
      init.xavierUniform_(torch.empty(6, 10)),
      init.xavierUniform_(torch.empty(4, 3, 3, 3), { gain: 2 }),
    ),
  init_xavier_normal: ({ torch, init }) =>
    letters(
      init.xavierNormal_(torch.empty(6, 10)),
      init.xavierNormal_(torch.empty(4, 3, 3, 3), { gain: init.calculateGain("tanh") }),
    ),
  init_kaiming_uniform: ({ torch, init }) =>
    letters(
      init.kaimingUniform_(torch.empty(6, 10)),
      init.kaimingUniform_(torch.empty(6, 10), { mode: "fan_out", nonlinearity: "relu" }),
      init.kaimingUniform_(torch.empty(4, 3, 3, 3), { a: Math.sqrt(5) }),
    ),
  init_kaiming_normal: ({ torch, init }) =>
    letters(
      init.kaimingNormal_(torch.empty(6, 10)),
      init.kaimingNormal_(torch.empty(4, 3, 3, 3), { mode: "fan_out", nonlinearity: "relu" }),
    ),
  init_orthogonal: ({ torch, init }) =>
    letters(
      init.orthogonal_(torch.empty(6, 6)),
      init.orthogonal_(torch.empty(3, 8), { gain: 2 }),
      init.orthogonal_(torch.empty(8, 3)),
    ),
  init_sparse: ({ torch, init }) => ({
    x: init.sparse_(torch.empty(10, 6), { sparsity: 0.3, std: 0.1 }),
  }),
  init_constants: ({ torch, init }) => ({
    ...letters(
      init.constant_(torch.empty(2, 3), 0.3),
      init.ones_(torch.empty(3)),
      init.zeros_(torch.empty(3)),
      init.eye_(torch.empty(3, 5)),
      init.dirac_(torch.empty(4, 3, 3)),
      init.dirac_(torch.empty(4, 2, 3, 3), { groups: 2 }),
    ),
    r: torch.rand(1),
  }),
  dataloader_shuffle: (parts) => {
    const { torch, data } = parts;
    const loader = new data.DataLoader(range(23), { batchSize: 4, shuffle: true });
    return { e1: epoch(parts, loader), e2: epoch(parts, loader), r: torch.rand(1) };
  },
  dataloader_no_shuffle: (parts) => {
    const { torch, data } = parts;
    const loader = new data.DataLoader(range(5), { batchSize: 2 });
    return { e1: epoch(parts, loader), r: torch.rand(1) };
  },
  dataloader_generator: (parts) => {
    const { torch, data } = parts, generator = new torch.Generator().manualSeed(3);
    const loader = new data.DataLoader(range(23), { batchSize: 4, shuffle: true, generator });
    return { e1: epoch(parts, loader), e2: epoch(parts, loader), r: torch.rand(1) };
  },
  random_split: (parts) => {
    const [a, b] = parts.data.randomSplit(range(100), [70, 30]);
    return letters(int64s(parts, a.indices), int64s(parts, b.indices));
  },
  random_split_generator: (parts) => {
    const { torch, data } = parts, generator = new torch.Generator().manualSeed(42);
    const [a, b] = data.randomSplit(range(10), [7, 3], { generator });
    return { ...letters(int64s(parts, a.indices), int64s(parts, b.indices)), r: torch.rand(1) };
  },
};

for (const n of [1, 2, 15, 16, 17, 100, 1000]) {
  programs[`rand_f32_${n}`] = ({ torch }) => ({ x: torch.rand(n) });
  programs[`randn_f32_${n}`] = ({ torch }) => ({ x: torch.randn(n) });
}
for (const n of [5, 17, 100]) {
  programs[`rand_f64_${n}`] = (parts) => ({ x: parts.torch.rand([n], float64(parts)) });
  programs[`randn_f64_${n}`] = (parts) => ({ x: parts.torch.randn([n], float64(parts)) });
}
