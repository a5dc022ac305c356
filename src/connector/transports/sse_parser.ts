/** Longest line that is kept, in characters: an event of 256 MiB in base64 does not fit into a string anyway. */
const MAX_BUFFER = 400 * 1024 * 1024;

/**
 * The data of each Server-Sent Event. Names and ids are left out: the data says both as well.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* dataOfEvents(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void> {
  let pieces: string[] = [];
  let length = 0;
  let data: string[] = [];
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const line = (pieces.join("") + text.slice(start, end)).replace(/\r$/, "");
      pieces = [];
      length = 0;
      start = end + 1;
      if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && data.length > 0) {
        yield data.join("\n");
        data = [];
      }
    }
    // A long line comes in many pieces: joined once, not once a piece.
    pieces.push(text.slice(start));
    length += text.length - start;
    if (length > MAX_BUFFER) throw new RangeError("Cannot read an event of more than 400 MiB");
  }
}
