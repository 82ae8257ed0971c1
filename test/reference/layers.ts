import {
  type Computed,
  computed,
  dot,
  exact,
  inFloat64,
  type Numbers,
  type Round,
  sum,
  transposed,
} from './arithmetic.js';
import { erf } from './erf.js';

/** The layers of a transformer in float64, written to be read. They share no code with what they test. */
export interface LinearShape {
  rows: number;
  inputs: number;
  outputs: number;
}

/** y = x Wᵀ + b */
export function linearForward(
  { rows, inputs, outputs }: LinearShape,
  x: Numbers,
  weight: Numbers,
  bias: Numbers,
  round = exact,
): Computed {
  const [inputRows, weightRows] = [inFloat64(x), inFloat64(weight)];
  return computed(rows * outputs, (index) => {
    const row = Math.floor(index / outputs);
    const output = index % outputs;
    const { value, size } = dot(inputs, inputRows, row * inputs, weightRows, output * inputs, round);
    return [round(value + bias[output]), size + Math.abs(bias[output])];
  });
}

/** dx = dy W, dW = dyᵀ x, db = Σ dy */
export function linearBackward(
  { rows, inputs, outputs }: LinearShape,
  x: Numbers,
  weight: Numbers,
  dy: Numbers,
  round = exact,
): { input: Computed; weight: Computed; bias: Computed } {
  const gradientRows = inFloat64(dy);
  const weightColumns = transposed(weight, outputs, inputs);
  const gradientColumns = transposed(dy, rows, outputs);
  const inputColumns = transposed(x, rows, inputs);
  return {
    input: computed(rows * inputs, (index) => {
      const row = Math.floor(index / inputs);
      const input = index % inputs;
      const { value, size } = dot(
        outputs,
        gradientRows,
        row * outputs,
        weightColumns,
        input * outputs,
        round,
      );
      return [value, size];
    }),
    weight: computed(outputs * inputs, (index) => {
      const output = Math.floor(index / inputs);
      const input = index % inputs;
      const { value, size } = dot(rows, gradientColumns, output * rows, inputColumns, input * rows, round);
      return [value, size];
    }),
    bias: columnSums(rows, outputs, dy, round),
  };
}

export function columnSums(rows: number, columns: number, x: Numbers, round = exact): Computed {
  return computed(columns, (column) => {
    const { value, size } = sum(rows, (row) => x[row * columns + column], round);
    return [value, size];
  });
}

export interface NormShape {
  rows: number;
  hidden: number;
  epsilon: number;
}

/** The mean of a row, the mean size of its numbers, and 1 / √(variance + ε). */
function statistics({ hidden, epsilon }: NormShape, x: Numbers, row: number, round: Round) {
  const total = sum(hidden, (c) => x[row * hidden + c], round);
  const mean = round(total.value / hidden);
  const square = (c: number) => round(round(x[row * hidden + c] - mean) ** 2);
  const variance = round(sum(hidden, square, round).value / hidden);
  const reciprocal = round(1 / round(Math.sqrt(round(variance + epsilon))));
  return { mean, meanSize: total.size / hidden, reciprocal };
}

/** y = γ · (x - mean) / √(variance + ε) + β */
export function layerNormForward(
  shape: NormShape,
  x: Numbers,
  weight: Numbers,
  bias: Numbers,
  round = exact,
): Computed {
  const rows = Array.from({ length: shape.rows }, (_, row) => statistics(shape, x, row, round));
  return computed(shape.rows * shape.hidden, (index) => {
    const { mean, meanSize, reciprocal } = rows[Math.floor(index / shape.hidden)];
    const c = index % shape.hidden;
    const normal = round(round(x[index] - mean) * reciprocal);
    const normalSize = (Math.abs(x[index]) + meanSize) * reciprocal;
    return [round(round(normal * weight[c]) + bias[c]), normalSize * Math.abs(weight[c]) + Math.abs(bias[c])];
  });
}

/** With x̂ the normalized row and g = γ · dy: dx = r · (g - mean(g) - x̂ · mean(g · x̂)), dγ = Σ dy · x̂, dβ = Σ dy. */
export function layerNormBackward(
  shape: NormShape,
  x: Numbers,
  weight: Numbers,
  dy: Numbers,
  round = exact,
): { input: Computed; weight: Computed; bias: Computed } {
  const { rows, hidden } = shape;
  const normals = new Float64Array(rows * hidden);
  const rowSums = Array.from({ length: rows }, (_, row) => {
    const { mean, reciprocal } = statistics(shape, x, row, round);
    const at = row * hidden;
    for (let c = 0; c < hidden; c++) normals[at + c] = round(round(x[at + c] - mean) * reciprocal);
    const g = (c: number) => round(dy[at + c] * weight[c]);
    return {
      reciprocal,
      g: sum(hidden, g, round),
      gx: sum(hidden, (c) => round(g(c) * normals[at + c]), round),
    };
  });
  return {
    input: computed(rows * hidden, (index) => {
      const { reciprocal, g, gx } = rowSums[Math.floor(index / hidden)];
      const gradient = round(dy[index] * weight[index % hidden]);
      const projected = round(normals[index] * round(gx.value / hidden));
      const size = Math.abs(gradient) + g.size / hidden + (Math.abs(normals[index]) * gx.size) / hidden;
      return [
        round(reciprocal * round(round(gradient - round(g.value / hidden)) - projected)),
        reciprocal * size,
      ];
    }),
    weight: computed(hidden, (c) => {
      const { value, size } = sum(rows, (r) => round(dy[r * hidden + c] * normals[r * hidden + c]), round);
      return [value, size];
    }),
    bias: columnSums(rows, hidden, dy, round),
  };
}

/** y = x · (1 + erf(x / √2)) / 2 */
export function geluForward(x: Numbers, round = exact): Computed {
  return computed(x.length, (i) => {
    const e = round(erf(round(x[i] * round(Math.SQRT1_2))));
    return [round(round(0.5 * x[i]) * round(1 + e)), 0.5 * Math.abs(x[i]) * (1 + Math.abs(e))];
  });
}

/** dx = dy · (Φ(x) + x · φ(x)) */
export function geluBackward(x: Numbers, dy: Numbers, round = exact): Computed {
  return computed(x.length, (i) => {
    const e = round(erf(round(x[i] * round(Math.SQRT1_2))));
    const density = round(
      round(1 / Math.sqrt(2 * Math.PI)) * round(Math.exp(round(-0.5 * round(x[i] * x[i])))),
    );
    const derivative = round(round(0.5 * round(1 + e)) + round(x[i] * density));
    const size = 0.5 * (1 + Math.abs(e)) + Math.abs(x[i] * density);
    return [round(dy[i] * derivative), Math.abs(dy[i]) * size];
  });
}

export function tanhForward(x: Numbers, round = exact): Computed {
  return computed(x.length, (i) => {
    const y = round(Math.tanh(x[i]));
    return [y, Math.abs(y)];
  });
}

export function reluForward(x: Numbers): Computed {
  return computed(x.length, (i) => [x[i] > 0 ? x[i] : 0, Math.abs(x[i])]);
}

/** dx = dy where the output y is not 0 */
export function reluBackward(y: Numbers, dy: Numbers): Computed {
  return computed(y.length, (i) => [y[i] > 0 ? dy[i] : 0, Math.abs(dy[i])]);
}

/** dx = dy · (1 - y²), from the output y */
export function tanhBackward(y: Numbers, dy: Numbers, round = exact): Computed {
  return computed(y.length, (i) => {
    const square = round(y[i] * y[i]);
    return [round(dy[i] * round(1 - square)), Math.abs(dy[i]) * (1 + square)];
  });
}

/** y = residual + factor · x, with the factors of a dropout (0 or 1 / (1 - p)); the residual may be left out. */
export function dropoutForward(
  hidden: number,
  factor: (row: number, channel: number) => number,
  x: Numbers,
  residual?: Numbers,
  round = exact,
): Computed {
  return computed(x.length, (index) => {
    const kept = round(x[index] * round(factor(Math.floor(index / hidden), index % hidden)));
    const other = residual ? residual[index] : 0;
    return [round(kept + other), Math.abs(kept) + Math.abs(other)];
  });
}

/** Each token's sum of one row from every table. */
export function embeddingForward(
  hidden: number,
  tables: readonly { table: Numbers; rowOfToken: Numbers }[],
  round = exact,
): Computed {
  return computed(tables[0].rowOfToken.length * hidden, (index) => {
    const token = Math.floor(index / hidden);
    const term = (n: number) => tables[n].table[tables[n].rowOfToken[token] * hidden + (index % hidden)];
    const { value, size } = sum(tables.length, term, round);
    return [value, size];
  });
}

/** The gradient of one table: each of its rows gets the sum over the tokens that took it. */
export function embeddingBackward(
  tableRows: number,
  hidden: number,
  rowOfToken: Numbers,
  dy: Numbers,
  round = exact,
): Computed {
  const tokens = Array.from({ length: tableRows }, (): number[] => []);
  for (let token = 0; token < rowOfToken.length; token++) tokens[rowOfToken[token]].push(token);
  return computed(tableRows * hidden, (index) => {
    const list = tokens[Math.floor(index / hidden)];
    const { value, size } = sum(list.length, (n) => dy[list[n] * hidden + (index % hidden)], round);
    return [value, size];
  });
}
