/**
 * ElasticMQ from Maven, kept in the user's cache: a queue server of its own that speaks like SQS.
 *
 * @module
 */

import { join } from "@std/path";
import { ChildProcess } from "../../support/process/child_process.ts";
import { freePort } from "../../support/redis/server.ts";
import { cacheFolder } from "../cache.ts";
import { installFromMaven, mavenClassPath } from "../maven.ts";
import type { RealSystem } from "../real_system.ts";

const VERSION = "1.7.1";

const NAME = `elasticmq-${VERSION}`;

/** It has no program of its own that takes a port. */
const MAIN = `public class Main {
  public static void main(String[] arguments) {
    org.elasticmq.rest.sqs.SQSRestServerBuilder$.MODULE$
      .withInterface("127.0.0.1").withPort(Integer.parseInt(arguments[0])).start().waitUntilStarted();
    System.out.println("serves");
  }
}
`;

/** The row of the table. It knows no `MaximumMessageSize`. */
export const elasticmq: RealSystem = {
  name: "elasticmq",
  files: [
    "tests/integration/output_contract_test.ts",
    "tests/integration/aws_sqs_test.ts",
    "tests/integration/aws_sqs_probe_test.ts",
  ],
  async prepare() {
    const obstacle = await installFromMaven(NAME, [["org.elasticmq", "elasticmq-rest-sqs_2.13", VERSION]]);
    if (obstacle !== undefined) return obstacle;
    const program = join(cacheFolder(NAME), "Main.java");
    await Deno.writeTextFile(program, MAIN);
    const port = freePort();
    const server = ChildProcess.spawn("java", { args: ["-cp", mavenClassPath(NAME), program, `${port}`] });
    await server.waitForLine(/^serves$/);
    return {
      version: `ElasticMQ ${VERSION}`,
      env: { SQS_PORT: `${port}`, OUTPUT_MODULES: "aws_sqs" },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
