/** The compiled module of `brotli-dec-wasm`. */
export declare const module: WebAssembly.Module;
