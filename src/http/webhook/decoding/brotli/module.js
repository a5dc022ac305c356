// @ts-self-types="./module.d.ts"
// TypeScript does not know imports of what WebAssembly is compiled to (`import source`).
import source module from "brotli-dec-wasm/bg.wasm";

export { module };
