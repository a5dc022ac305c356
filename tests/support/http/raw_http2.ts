import { patient } from "../patience.ts";
/** HTTP/2 without TLS frame by frame (RFC 9113), for headers that a well-behaved client would never send. */

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 };
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

/** Statuses that stand in HPACK's static table (RFC 7541, appendix A), by the byte that stands for them. */
const STATUSES = new Map([[0x88, 200], [0x89, 204], [0x8b, 304], [0x8c, 400], [0x8d, 404], [0x8e, 500]]);

const encoder = new TextEncoder();

/**
 * Sends one POST with just these headers, and returns the status of the answer.
 *
 * @throws {Error} when the stream or the connection is reset, or nothing comes within ten seconds
 */
export async function postOverHttp2(
  port: number,
  path: string,
  headers: readonly (readonly [name: string, value: string])[],
  body: string,
): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const timer = setTimeout(() => connection.close(), patient(10_000));
  try {
    const pseudo = [[":method", "POST"], [":scheme", "http"], [":authority", "x"], [":path", path]] as const;
    const block = [...pseudo, ...headers].flatMap(literal);
    const writer = connection.writable.getWriter();
    await writer.write(
      new Uint8Array([
        ...encoder.encode(PREFACE),
        ...frame(FRAME.settings, 0, 0, []),
        ...frame(FRAME.headers, END_HEADERS, 1, block),
        ...frame(FRAME.data, END_STREAM, 1, [...encoder.encode(body)]),
      ]),
    );
    return await readStatus(connection);
  } finally {
    clearTimeout(timer);
  }
}

/** A header without Huffman coding that no table remembers. */
function literal([name, value]: readonly [string, string]): number[] {
  return [0, name.length, ...encoder.encode(name), value.length, ...encoder.encode(value)];
}

function frame(type: number, flags: number, stream: number, payload: readonly number[]): number[] {
  const { length } = payload;
  return [length >> 16, (length >> 8) & 0xff, length & 0xff, type, flags, 0, 0, 0, stream, ...payload];
}

async function readStatus(connection: Deno.TcpConn): Promise<number> {
  for (;;) {
    const [high = 0, middle = 0, low = 0, type] = await read(connection, 9);
    const payload = await read(connection, high * 65536 + middle * 256 + low);
    if (type === FRAME.reset || type === FRAME.goAway) throw new Error(`The server sent a frame ${type}`);
    if (type === FRAME.headers) return statusOf(payload);
  }
}

function statusOf(block: Uint8Array): number {
  const status = STATUSES.get(block[0] ?? 0);
  if (status !== undefined) return status;
  // A literal with the name of `:status` (index 8), its three digits plain or with a Huffman code.
  const [, length = 0] = block;
  const value = block.subarray(2, 2 + (length & 0x7f));
  return Number((length & 0x80) === 0 ? new TextDecoder().decode(value) : huffmanDigits(value));
}

/** Digits by RFC 7541, appendix B: `0` to `2` have five bits, `3` to `9` six. */
function huffmanDigits(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  let digits = "";
  for (let at = 0; digits.length < 3;) {
    const short = parseInt(bits.slice(at, at + 5), 2);
    digits += short <= 2 ? short : parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3;
    at += short <= 2 ? 5 : 6;
  }
  return digits;
}

async function read(connection: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) throw new Error("The server closed the connection");
    filled += count;
  }
  return bytes;
}
