import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { GatewayError } from "../errors.ts";
import { EventBody } from "../event.ts";

type Decoder = (data: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array<ArrayBuffer>>;

const gunzip = promisify(zlib.gunzip) as unknown as Decoder;
const inflate = promisify(zlib.inflate) as unknown as Decoder;
const inflateRaw = promisify(zlib.inflateRaw) as unknown as Decoder;

/**
 * The encoding of the body; `undefined` when there is none.
 *
 * @throws {GatewayError} `unsupported_encoding`
 */
export function contentEncoding(request: Request): string | undefined {
  const encoding = request.headers.get("content-encoding")?.toLowerCase();
  if (encoding === undefined || encoding === "identity") return undefined;
  if (decoderOf(encoding) === undefined) throw new GatewayError("unsupported_encoding");
  return encoding;
}

/**
 * Undoes a Content-Encoding of `gzip`, `x-gzip` or `deflate`.
 *
 * @param encoding what {@linkcode contentEncoding} found
 * @param limit largest decoded size in bytes; a decompression bomb stops there
 * @throws {GatewayError} `body_too_large` past the limit, `invalid_encoding` when the data is not what it
 * says it is
 */
export async function decodeBody(body: EventBody, encoding: string, limit: number): Promise<EventBody> {
  const decoder = decoderOf(encoding, body.bytes);
  if (decoder === undefined) throw new GatewayError("unsupported_encoding");
  try {
    const decoded = await decoder(body.bytes, { maxOutputLength: limit });
    return EventBody.fromBytes(new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength));
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    throw new GatewayError(
      code === "ERR_BUFFER_TOO_LARGE" ? "body_too_large" : "invalid_encoding",
      undefined,
      { cause },
    );
  }
}

function decoderOf(encoding: string, body: Uint8Array = new Uint8Array()): Decoder | undefined {
  if (encoding === "gzip" || encoding === "x-gzip") return gunzip;
  if (encoding === "deflate") return hasZlibHeader(body) ? inflate : inflateRaw;
  return undefined;
}

/**
 * RFC 9110 means the zlib format by "deflate", but some senders leave its two-byte header out. It is told
 * by RFC 1950: compression method 8, and the two bytes as a number are a multiple of 31.
 */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
