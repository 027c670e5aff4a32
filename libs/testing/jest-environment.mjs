import { TestEnvironment } from 'jest-environment-node';

const ofTheHost = [
  'ArrayBuffer', 'SharedArrayBuffer', 'DataView',
  'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array',
];

/**
 * Gives each spec's sandbox the host's typed arrays. A native addon (onnxruntime-node, DuckDB) asks
 * `instanceof` of the host's own classes, and would refuse the copies that a sandbox makes for itself.
 */
export default class HostTypedArrays extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of ofTheHost) this.global[name] = globalThis[name];
  }
}
