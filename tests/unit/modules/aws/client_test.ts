import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { hash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { DeliveryError } from "../../../../src/errors.ts";
import { AwsClient, AwsRefused } from "../../../../src/modules/aws/client.ts";
import { awsConnectionSchema } from "../../../../src/modules/aws/connection.ts";
import { AwsVerdicts } from "../../../../src/modules/aws/verdicts.ts";
import { LocalServer } from "../../../support/http/local_server.ts";

const NEVER = new AbortController().signal;
const SECRET = "a-secret-of-forty-characters";
const BODY = new TextEncoder().encode('{"order":1}');

/** What all requests are answered with; nothing, when it is left out. */
interface FixedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A server with one answer, which keeps the heads of requests. */
class FixedServer extends LocalServer {
  readonly requests: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];

  constructor(readonly answer?: FixedAnswer) {
    super();
  }

  static start(answer?: FixedAnswer): Promise<FixedServer> {
    return new FixedServer(answer).listen();
  }

  client(): AwsClient {
    const connection = awsConnectionSchema.parse({
      aws_access_key_id: "AKIA",
      aws_secret_access_key: SECRET,
      aws_session_token: "token",
      region: "eu-north-1",
      endpoint_url: this.url,
    });
    return AwsClient.open({ title: "Queue", id: "sqs", verdicts: new AwsVerdicts({}) }, connection);
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push({ url: request.url ?? "", headers: request.headers });
    await Array.fromAsync(request);
    if (this.answer === undefined) return;
    const { status, headers = {}, body = "" } = this.answer;
    response.writeHead(status, headers).end(body);
  }
}

Deno.test("a request to AWS is signed with all that it says", async () => {
  await using server = await FixedServer.start({ status: 200, body: "{}" });
  using client = server.client();
  const answer = await client.ask(
    { method: "POST", headers: { "x-amz-target": "T" }, body: BODY },
    "it",
    NEVER,
  );
  assertEquals(new TextDecoder().decode(answer.body), "{}");
  const headers = server.requests[0]?.headers ?? {};
  assertEquals(headers["x-amz-content-sha256"], hash("sha256", BODY, "hex"));
  assertEquals(headers["x-amz-security-token"], "token");
  const signed = "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target,";
  assertStringIncludes(headers.authorization ?? "", signed);
  assertStringIncludes(headers.authorization ?? "", "/eu-north-1/sqs/aws4_request,");
});

Deno.test("a redirect is not followed: whoever follows it carries the signature on", async () => {
  await using elsewhere = await FixedServer.start({ status: 200 });
  await using server = await FixedServer.start({ status: 307, headers: { location: elsewhere.url } });
  using client = server.client();
  const { error } = await assertRejects(() => client.ask({ method: "GET" }, "it", NEVER), AwsRefused);
  assertEquals(error.code, "output_unavailable");
  assertEquals(elsewhere.requests.length, 0);
});

Deno.test("a refusal is data and a verdict, and shows no secret", async () => {
  const body = '{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}';
  await using server = await FixedServer.start({ status: 400, body });
  using client = server.client();
  const refused = await assertRejects(() => client.ask({ method: "GET" }, "queue 'q'", NEVER), AwsRefused);
  assertEquals(refused.refusal.code, "QueueDoesNotExist");
  assert(!Deno.inspect(refused, { depth: Infinity }).includes(SECRET));
});

Deno.test("a service that does not answer is given up when the time is over", async () => {
  await using server = await FixedServer.start();
  using client = server.client();
  const given = await assertRejects(
    () => client.send({ method: "GET" }, AbortSignal.timeout(50)),
    DeliveryError,
  );
  assertEquals(given.code, "output_timeout");
});

Deno.test("a service that is not there cannot be reached", async () => {
  const server = await FixedServer.start();
  using client = server.client();
  await server[Symbol.asyncDispose]();
  const error = await assertRejects(() => client.send({ method: "GET" }, NEVER), DeliveryError);
  assertEquals(error.code, "output_unavailable");
  assertStringIncludes(error.message, "cannot be reached: ECONNREFUSED");
});
