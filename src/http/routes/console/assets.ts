/**
 * The files of the console, which `deno task console` makes of the sources in `src/console/page/`.
 *
 * @module
 */

import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** A file of the console. */
export interface Asset {
  /** Its media type. */
  readonly type: string;
  /** A quoted hash of it (RFC 9110, section 8.8.3). */
  readonly etag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
}

/** Every file by its name. */
const TYPES: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "console.css": "text/css; charset=utf-8",
};

const assets = new Map<string, Promise<Asset>>();

/** Finds a file; `undefined` where there is none of this name. It is read once. */
export function findAsset(name: string): Promise<Asset> | undefined {
  const type = Object.hasOwn(TYPES, name) ? TYPES[name]! : undefined;
  if (type === undefined) return undefined;
  let asset = assets.get(name);
  if (asset === undefined) {
    asset = readAsset(name, type);
    assets.set(name, asset);
    // A file that could not be read is tried again.
    asset.catch(() => assets.delete(name));
  }
  return asset;
}

async function readAsset(name: string, type: string): Promise<Asset> {
  const plain = await Deno.readFile(new URL(`../../../console/assets/${name}`, import.meta.url));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", plain));
  return {
    type,
    etag: `"${hash.subarray(0, 12).toHex()}"`,
    plain,
    gzip: new Uint8Array(await compress(plain, { level: 9 })),
  };
}
