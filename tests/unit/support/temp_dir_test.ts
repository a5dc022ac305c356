import { assertEquals, assertRejects } from "@std/assert";
import { TempDir } from "../../support/temp_dir.ts";

Deno.test("temporary directory is removed with all it holds when it is disposed of", async () => {
  let path: string;
  {
    await using dir = await TempDir.create();
    path = dir.path;
    const file = await dir.writeJson("webhooks.json", { orders: { module: "log" } });
    assertEquals(await Deno.readTextFile(file), '{"orders":{"module":"log"}}');
    await Deno.mkdir(dir.file("data", "journal"), { recursive: true });
  }
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("temporary directory may be removed by the test itself", async () => {
  await using dir = await TempDir.create();
  await Deno.remove(dir.path);
});
