import { BufferedLineWriter, type LineWriterOptions } from "../../src/io/line_writer.ts";

/**
 * A writer to an open file, pipe or device, which the caller closes. It writes synchronously when that is a
 * regular file.
 */
export function fileLineWriter(file: Deno.FsFile, options: LineWriterOptions = {}): BufferedLineWriter {
  return new BufferedLineWriter(file, { synchronous: file.statSync().isFile, ...options });
}
