/**
 * One moto server for all files of a test process, which have buckets and queues of their own. It stands in for AWS:
 * moto checks signatures and the rights of users once it is asked to, and keeps what it is given in its memory. It is no
 * child of a test, which would have to end it; a shell beside it ends it once the process of the tests is gone.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { AwsClient } from "../../../src/modules/aws/client.ts";
import { awsConnectionSchema } from "../../../src/modules/aws/connection.ts";
import { AwsVerdicts } from "../../../src/modules/aws/verdicts.ts";
import { eventually } from "../eventually.ts";
import { installPythonPackage, type PythonPackage } from "../python_package.ts";
import { freePort } from "../redis/server.ts";

/** The files of tests share no variables of the program, only those of their process. */
const VARIABLE = "CWM_TEST_MOTO";
const WRITER_VARIABLE = "CWM_TEST_MOTO_WRITER";

/** How long a start may take on a machine that does much beside, in milliseconds. */
const START_MS = 120_000;

const REGION = "eu-north-1";

/** With what its server and S3 need, and no more. boto3 comes with it. */
const MOTO: PythonPackage = {
  name: "moto",
  version: "5.2.5",
  beside: ["flask==3.1.3", "flask-cors==6.0.5", "py-partiql-parser==0.6.3", "PyYAML==6.0.4"],
};

/** Starts the server, waits for the end of a process, then ends the server. */
const KEEPER = `python3 "$PROGRAM" -H 127.0.0.1 -p "$PORT" & server=$!
while kill -0 "$0" 2>/dev/null; do sleep 1; done
kill "$server"`;

const PROGRAM = fromFileUrl(new URL("moto_server.py", import.meta.url));

const NEVER = new AbortController().signal;

/** Who signs requests. */
export interface MotoCredentials {
  readonly aws_access_key_id: string;
  readonly aws_secret_access_key: string;
}

/** A server that runs, and its administrator. */
export interface MotoPlace {
  readonly port: number;
  readonly root: MotoCredentials;
}

/** The server of this process, which the first caller starts. */
export async function sharedMoto(): Promise<MotoPlace> {
  const running = Deno.env.get(VARIABLE);
  if (running !== undefined) return JSON.parse(running);
  const port = freePort();
  const { success } = await new Deno.Command("sh", {
    args: ["-c", `exec >/dev/null 2>&1; setsid sh -c "$0" "$1" &`, KEEPER, `${Deno.pid}`],
    // Without the mark of the test run, whose end it waits for.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", PORT: `${port}`, PROGRAM, ...await motoEnvironment() },
    cwd: "/",
    stdin: "null",
  }).output();
  if (!success) throw new Error("Cannot start the shell that keeps moto");
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port });
  (await eventually(connect, { timeoutMs: START_MS, intervalMs: 50 })).close();
  const root = await makeUser({ port, root: ANYBODY }, "root", { Action: "*", Resource: "*" });
  await checkRights(port);
  const place: MotoPlace = { port, root };
  Deno.env.set(VARIABLE, JSON.stringify(place));
  return place;
}

/** The environment of a Python that has boto3. */
export async function motoEnvironment(): Promise<Record<string, string>> {
  return {
    HOME: Deno.env.get("HOME") ?? "/tmp",
    PYTHONPATH: await installPythonPackage(MOTO),
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

/** A connection to the server, as it is configured. @param port of what stands before it. @default its own */
export function motoConnection(
  place: MotoPlace,
  credentials: MotoCredentials = place.root,
  port: number = place.port,
): Readonly<Record<string, unknown>> {
  return { ...credentials, region: REGION, endpoint_url: `http://127.0.0.1:${port}` };
}

/** What a user may do, as policies have it. */
export interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** Makes a user with an access key. */
export async function makeUser(
  place: MotoPlace,
  name: string,
  statement: Statement,
): Promise<MotoCredentials> {
  await askIam(place, { Action: "CreateUser", UserName: name });
  await permit(place, name, statement);
  const answer = await askIam(place, { Action: "CreateAccessKey", UserName: name });
  return {
    aws_access_key_id: textIn(answer, "AccessKeyId"),
    aws_secret_access_key: textIn(answer, "SecretAccessKey"),
  };
}

/** A user who may store objects in buckets whose names begin with `open`, and no more; the same for all tests of a process. */
export async function s3Writer(): Promise<MotoCredentials> {
  const known = Deno.env.get(WRITER_VARIABLE);
  if (known !== undefined) return JSON.parse(known);
  const statement = { Action: ["s3:PutObject", "s3:AbortMultipartUpload"], Resource: "arn:aws:s3:::open*" };
  const writer = await makeUser(await sharedMoto(), "writer", statement);
  Deno.env.set(WRITER_VARIABLE, JSON.stringify(writer));
  return writer;
}

/** Gives a user a right, in the place of the one before. */
export async function permit(place: MotoPlace, name: string, statement: Statement): Promise<void> {
  const document = { Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] };
  await askIam(place, {
    Action: "PutUserPolicy",
    UserName: name,
    PolicyName: "tests",
    PolicyDocument: JSON.stringify(document),
  });
}

/** Takes the access key from a user. */
export async function revoke(
  place: MotoPlace,
  name: string,
  { aws_access_key_id }: MotoCredentials,
): Promise<void> {
  await askIam(place, { Action: "DeleteAccessKey", UserName: name, AccessKeyId: aws_access_key_id });
}

/** A client with all rights. @param id of the service */
export function motoClient(place: MotoPlace, id: string): AwsClient {
  const service = { title: "moto", id, verdicts: new AwsVerdicts({}) };
  return AwsClient.open(service, awsConnectionSchema.parse(motoConnection(place)));
}

const ANYBODY: MotoCredentials = { aws_access_key_id: "AKIAANYBODY", aws_secret_access_key: "anybody" };

async function askIam(place: MotoPlace, parameters: Readonly<Record<string, string>>): Promise<string> {
  using client = motoClient(place, "iam");
  const body = new TextEncoder().encode(`${new URLSearchParams({ ...parameters, Version: "2010-05-08" })}`);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await client.ask({ method: "POST", headers, body }, "IAM", NEVER);
  return new TextDecoder().decode(answer.body);
}

/** From now on each request has to be signed by a user who may make it. */
async function checkRights(port: number): Promise<void> {
  const headers = { "content-type": "text/plain" };
  const answer = await fetch(`http://127.0.0.1:${port}/moto-api/reset-auth`, {
    method: "POST",
    headers,
    body: "0",
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`moto does not check rights: ${answer.status}`);
}

function textIn(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
  if (text === undefined) throw new Error(`moto said no ${name}`);
  return text;
}
