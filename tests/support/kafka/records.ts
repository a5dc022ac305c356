/** Records as `kcat` prints them. */

/** A record that a consumer got. */
export interface ConsumedRecord {
  readonly partition: number;
  readonly offset: number;
  /** `null` when the record has none, which is something else than an empty one. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  /** In order; their values in tests hold no comma that a header name and `=` follow. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** For `kcat -f`: the numbers tell how many bytes of key and value follow, whatever those bytes are. */
export const RECORD_FORMAT = "%p %o %K %S\\n%k%s%h\\n";

const NEWLINE = 10;

/** @param output what `kcat -f` prints with {@linkcode RECORD_FORMAT} */
export function parseRecords(output: Uint8Array): ConsumedRecord[] {
  const records: ConsumedRecord[] = [];
  const decoder = new TextDecoder();
  for (let position = 0; position < output.length;) {
    const headEnd = output.indexOf(NEWLINE, position);
    const [partition = 0, offset = 0, keySize = 0, valueSize = 0] = decoder
      .decode(output.subarray(position, headEnd)).split(" ").map(Number);
    const keyEnd = headEnd + 1 + Math.max(0, keySize);
    const valueEnd = keyEnd + Math.max(0, valueSize);
    const end = output.indexOf(NEWLINE, valueEnd);
    records.push({
      partition,
      offset,
      key: keySize < 0 ? null : output.slice(headEnd + 1, keyEnd),
      value: output.slice(keyEnd, valueEnd),
      headers: parseHeaders(decoder.decode(output.subarray(valueEnd, end))),
    });
    position = end + 1;
  }
  return records;
}

function parseHeaders(text: string): [string, string][] {
  if (text === "") return [];
  return text.split(/,(?=[\w-]+=)/).map((header) => {
    const separator = header.indexOf("=");
    return [header.slice(0, separator), header.slice(separator + 1)];
  });
}
