import { fromFileUrl } from "@std/path";

/** The Python that Debian's packages of libraries are for, whichever the `PATH` has. */
export const DEBIAN_PYTHON = "/usr/bin/python3";

/**
 * Runs one of the Python programs of this folder and returns what it prints.
 *
 * @throws {Error} with all of its output when it fails
 */
export async function runPython(program: string, input: string, python = "python3"): Promise<string> {
  const path = fromFileUrl(new URL(program, import.meta.url));
  const child = new Deno.Command(python, {
    args: [path],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [output] = await Promise.all([child.output(), writeAll(child.stdin, input)]);
  const decoder = new TextDecoder();
  const text = decoder.decode(output.stdout);
  if (!output.success) throw new Error(`${program} failed: ${text}${decoder.decode(output.stderr)}`);
  return text;
}

async function writeAll(stdin: WritableStream<Uint8Array<ArrayBuffer>>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}
