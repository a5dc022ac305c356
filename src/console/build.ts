/**
 * Makes the console's files: `deno task console`. They are kept with the sources, so that nobody needs a bundler to run
 * the gateway; a test says when they are not of these sources.
 *
 * @module
 */

const PAGE = new URL("./page/", import.meta.url);
const ASSETS = new URL("./assets/", import.meta.url);

/** The first line of the program, with the hash of what it was made of. */
export function headOf(hash: string): string {
  return `// Made by deno task console from sources with the hash ${hash}\n`;
}

/** The hash of all that the files are made of: the sources, and the versions of what they import. */
export async function sourceHash(): Promise<string> {
  const files = (await filesIn(PAGE)).sort((a, b) => a.href < b.href ? -1 : 1);
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const versions = ["htm", "preact", "uplot"].map((name) => imports[name]);
  const all = new TextEncoder().encode(JSON.stringify([...versions, ...texts]));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all)).toHex().slice(0, 24);
}

async function filesIn(folder: URL): Promise<URL[]> {
  const files: URL[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) files.push(...await filesIn(new URL(`${entry.name}/`, folder)));
    else files.push(new URL(entry.name, folder));
  }
  return files;
}

async function build(): Promise<void> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", new URL("main.ts", PAGE).pathname],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.mkdir(ASSETS, { recursive: true });
  const program = headOf(await sourceHash()) + new TextDecoder().decode(stdout);
  await Deno.writeTextFile(new URL("console.js", ASSETS), program);
  const library = await Deno.readTextFile(new URL(import.meta.resolve("uplot/dist/uPlot.min.css")));
  const own = await Deno.readTextFile(new URL("console.css", PAGE));
  await Deno.writeTextFile(new URL("console.css", ASSETS), `${library.trim()}\n${own}`);
  await Deno.copyFile(new URL("index.html", PAGE), new URL("index.html", ASSETS));
}

if (import.meta.main) await build();
