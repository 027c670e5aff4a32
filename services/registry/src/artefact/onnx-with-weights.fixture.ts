/**
 * A small ONNX model, y = x + w, whose three weights lie in a file beside it: written by hand, field by field of
 * onnx.proto, because the location must be able to lie.
 */
export function onnxWithWeights(location: string): Uint8Array {
  const tensorOf3 = message([field(1, message([number(1, FLOAT), field(2, message([field(1, message([number(1, 3)]))]))]))]);
  const weights = message([
    number(1, 3),
    number(2, FLOAT),
    text(8, 'w'),
    field(13, message([text(1, 'location'), text(2, location)])),
    field(13, message([text(1, 'length'), text(2, '12')])),
    number(14, EXTERNAL),
  ]);
  const graph = message([
    field(1, message([text(1, 'x'), text(1, 'w'), text(2, 'y'), text(4, 'Add')])),
    text(2, 'add'),
    field(5, weights),
    field(11, message([text(1, 'x'), field(2, tensorOf3)])),
    field(12, message([text(1, 'y'), field(2, tensorOf3)])),
  ]);
  return message([number(1, 8), text(2, 'a spec'), field(7, graph), field(8, message([text(1, ''), number(2, 17)]))]);
}

/** The weights as they lie in their file. */
export const weights = new Uint8Array(new Float32Array([1, 2, 3]).buffer);

const FLOAT = 1;
const EXTERNAL = 1;

const message = (fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields);
const number = (tag: number, value: number): Uint8Array => Uint8Array.from([tag << 3, value]);
const text = (tag: number, value: string): Uint8Array => field(tag, Buffer.from(value));

/** All that is written here is shorter than 16384 bytes, so that two bytes tell the length. */
function field(tag: number, bytes: Uint8Array): Uint8Array {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return Buffer.concat([Uint8Array.from([(tag << 3) | 2, ...length]), bytes]);
}
