import { assertEquals, assertRejects } from "@std/assert";
import { GatewayProcess } from "../../support/process/gateway_process.ts";

Deno.test("gateway process becomes ready and leaves nothing behind when it is disposed of", async () => {
  let cwd: string;
  let exited: Promise<Deno.CommandStatus>;
  {
    await using gateway = await GatewayProcess.start();
    ({ cwd, exited } = gateway);
    await gateway.waitUntilReady();
    gateway.kill("SIGSTOP");
  }
  assertEquals((await exited).signal, "SIGKILL");
  await assertRejects(() => Deno.stat(cwd), Deno.errors.NotFound);
});

Deno.test("gateway process says where it listens in either log format", async () => {
  for (const LOG_FORMAT of ["json", "text"]) {
    await using gateway = await GatewayProcess.start({ env: { LOG_FORMAT } });
    const answer = await fetch(`${gateway.url}/livez`);
    assertEquals([answer.status, await answer.text() === ""], [200, false]);
  }
});

Deno.test("gateway process shows the output of a gateway that does not start", async () => {
  await assertRejects(() => GatewayProcess.start({ env: { PORT: "none" } }), Error, "PORT");
});
