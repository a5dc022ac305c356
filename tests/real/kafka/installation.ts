/**
 * Apache Kafka from Maven, kept in the user's cache.
 *
 * @module
 */

import { join } from "@std/path";
import { cacheFolder } from "../cache.ts";

/** The version that tests run against. */
export const KAFKA_VERSION = "4.4.0";

const POM = `<project><modelVersion>4.0.0</modelVersion>
<groupId>cwm</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${KAFKA_VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`;

/** Where the server of this version is, for `java -cp`. */
export function classPath(): string {
  return join(directory(), "libs", "*");
}

/** Downloads the server unless it is there. Returns why that is not possible, if so. */
export async function installKafka(): Promise<string | undefined> {
  for (const program of ["java", "mvn"]) {
    if (!await runs(program, ["-version"])) return `there is no ${program}`;
  }
  const done = join(directory(), "complete");
  try {
    await Deno.stat(done);
    return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.mkdir(directory(), { recursive: true });
  await Deno.writeTextFile(join(directory(), "pom.xml"), POM);
  const { success, stdout } = await new Deno.Command("mvn", {
    args: ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"],
    cwd: directory(),
  }).output();
  if (!success) return `mvn failed: ${new TextDecoder().decode(stdout).split("\\n", 1)[0]}`;
  await Deno.writeTextFile(done, "");
  return undefined;
}

function directory(): string {
  return cacheFolder(`kafka-${KAFKA_VERSION}`);
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: [...args] }).output()).success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}
