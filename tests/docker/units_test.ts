import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";

const UNITS = join(REPOSITORY, "docker/systemd");

Deno.test("systemd has nothing to say against the units", async () => {
  await using directory = await TempDir.create();
  const paths: string[] = [];
  for await (const { name } of Deno.readDir(UNITS)) {
    const text = await Deno.readTextFile(join(UNITS, name));
    // The program need not be installed where the units are checked.
    const path = directory.file(name.replace("@.", "@1."));
    await Deno.writeTextFile(path, text.replaceAll("/usr/local/bin/cwm", "/bin/true"));
    paths.push(path);
  }
  assertEquals(paths.length, 2);
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args: ["verify", ...paths] })
    .output();
  assertEquals(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr), "");
  assertEquals(code, 0);
});
