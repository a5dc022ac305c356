/**
 * The decoder of Brotli: `brotli-dec-wasm` 2.3.2, the decoder of Dropbox in WebAssembly. The runtime's own loses memory
 * for ever with some damaged data (Deno 2.9.6), which strangers can send; what this one loses is in a memory of its own,
 * which is dropped as a whole once it has grown. The library's script is not used, since it keeps one instance for ever.
 *
 * @module
 */

import { module } from "./module.js";
import { InvariantError } from "../../../../errors.ts";
import type { GrowingBytes } from "../../growing_bytes.ts";
import { DataError } from "../data_error.ts";

/**
 * An instance begins with one MiB, and one or two windows of 16 MiB make it grow. One that has more than this after a
 * body is not used again, in bytes: memory of WebAssembly never becomes less, and it is some time until it is collected.
 */
const MOST_KEPT_BYTES = 64 * 1024 * 1024;

/** How much a step makes at most, in bytes. */
const ROOM_BYTES = 32 * 1024;

/** Where the module keeps what is not a number, it expects as many places that are taken. */
const RESERVED_PLACES = 4;

/** What a decoder asks for. */
export type Progress =
  /** The data was whole. */
  | "ended"
  | "needs input"
  | "needs room";

const PROGRESS: Readonly<Record<number, Progress>> = { 1: "ended", 2: "needs input", 3: "needs room" };

/** What the module exports, as far as it is used: its memory, and functions over addresses in it. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __wbindgen_externrefs: WebAssembly.Table;
  readonly __wbindgen_start: () => void;
  readonly __wbindgen_malloc: (length: number, alignment: number) => number;
  readonly __wbindgen_free: (address: number, length: number, alignment: number) => void;
  readonly __externref_table_dealloc: (place: number) => void;
  readonly brotlidecstream_new: () => number;
  /** Frees the input. The second number is the place of an error, if the third is not 0. */
  readonly brotlidecstream_dec: (
    stream: number,
    input: number,
    inputLength: number,
    room: number,
  ) => [result: number, error: number, hasFailed: number];
  readonly __wbg_brotlidecstream_free: (stream: number, unused: 0) => void;
  readonly __wbg_get_brotlistreamresult_code: (result: number) => number;
  readonly __wbg_get_brotlistreamresult_input_offset: (result: number) => number;
  /** Copies it. */
  readonly __wbg_get_brotlistreamresult_buf: (result: number) => [address: number, length: number];
  readonly __wbg_brotlistreamresult_free: (result: number, unused: 0) => void;
}

/** One instance of the module with its memory. */
class Instance {
  readonly exports: Exports;
  /** Whether a call did not come back from it as it should. */
  isBroken = false;

  constructor() {
    this.exports = new WebAssembly.Instance(module, this.#imports()).exports as unknown as Exports;
    this.exports.__wbindgen_start();
  }

  get isSpent(): boolean {
    return this.isBroken || this.exports.memory.buffer.byteLength > MOST_KEPT_BYTES;
  }

  /** Ends of their names differ from version to version. */
  #imports(): WebAssembly.Imports {
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      const imported = imports[from] ??= {};
      if (name === "__wbindgen_init_externref_table") {
        imported[name] = () => void this.exports.__wbindgen_externrefs.grow(RESERVED_PLACES);
      } else if (name.startsWith("__wbg_Error_")) {
        // The object of an error: that there is one says enough.
        imported[name] = () => undefined;
      } else {
        imported[name] = () => {
          throw new InvariantError("The decoder of Brotli has failed");
        };
      }
    }
    return imports;
  }
}

/** The one that is used: calls do not wait for anything, so that one is enough. */
let current: Instance | undefined;

/** Data on its way through the decoder. Several may be, in turns. */
export class BrotliStream implements Disposable {
  readonly #instance: Instance;
  readonly #stream: number;

  constructor() {
    this.#instance = current ??= new Instance();
    this.#stream = this.#instance.exports.brotlidecstream_new();
  }

  /**
   * Goes on with a piece of the data, and appends what it becomes.
   *
   * @param input what was not used of the piece before comes again
   * @returns how much of the input was used
   * @throws {DataError} when it is damaged
   */
  step(input: Uint8Array, output: GrowingBytes): { readonly progress: Progress; readonly used: number } {
    try {
      return this.#step(input, output);
    } catch (cause) {
      if (cause instanceof DataError) throw cause;
      this.#instance.isBroken = true;
      throw new DataError("The br data is damaged", { cause });
    }
  }

  #step(input: Uint8Array, output: GrowingBytes): ReturnType<BrotliStream["step"]> {
    const { exports } = this.#instance;
    const address = exports.__wbindgen_malloc(input.byteLength, 1);
    new Uint8Array(exports.memory.buffer, address, input.byteLength).set(input);
    const [result, error, hasFailed] = exports.brotlidecstream_dec(
      this.#stream,
      address,
      input.byteLength,
      ROOM_BYTES,
    );
    if (hasFailed !== 0) {
      exports.__externref_table_dealloc(error);
      throw new DataError("The br data is damaged");
    }
    const progress = PROGRESS[exports.__wbg_get_brotlistreamresult_code(result)]!;
    const used = exports.__wbg_get_brotlistreamresult_input_offset(result);
    const [made, length] = exports.__wbg_get_brotlistreamresult_buf(result);
    if (length > 0) output.append(new Uint8Array(exports.memory.buffer, made, length));
    exports.__wbindgen_free(made, length, 1);
    exports.__wbg_brotlistreamresult_free(result, 0);
    return { progress, used };
  }

  [Symbol.dispose](): void {
    if (!this.#instance.isBroken) this.#instance.exports.__wbg_brotlidecstream_free(this.#stream, 0);
    if (this.#instance === current && current.isSpent) current = undefined;
  }
}
