import { assertEquals } from "@std/assert";
import { AwsClient } from "../../src/modules/aws/client.ts";
import { awsConnectionSchema } from "../../src/modules/aws/connection.ts";
import { AwsVerdicts } from "../../src/modules/aws/verdicts.ts";
import { ServiceFront } from "../support/aws/service_front.ts";
import { DEBIAN_PYTHON, runPython } from "../support/python.ts";

const NEVER = new AbortController().signal;
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

interface Signed {
  readonly service: string;
  readonly region: string;
  readonly token?: string;
  readonly path?: string;
  readonly body: string;
}

const JSON_BODY = '{"name":"Zoë 🎉","price":1.50}';

const REQUESTS: readonly Signed[] = [
  { service: "sqs", region: "us-east-1", body: JSON_BODY },
  { service: "sqs", region: "cn-north-1", body: "", token: "IQoJb3JpZ2luX2VjEJ//wEaDmFw+LW5vcnRo==" },
  { service: "kinesis", region: "eu-central-1", body: "x".repeat(100_000) },
  { service: "events", region: "us-gov-west-1", body: JSON_BODY, token: "token" },
  { service: "sns", region: "ap-southeast-2", body: "Action=Publish&Message=a%20b%2Bc" },
  { service: "s3", region: "eu-north-1", body: "{}", path: "/bucket/a%20b/%C3%BC%2B/%25/c" },
  {
    service: "s3",
    region: "eu-north-1",
    body: "{}",
    path: "/bucket?list-type=2&max-keys=1&prefix=a%20b%2Fc",
  },
];

Deno.test("signatures of AWS requests are those that botocore calculates", async () => {
  // Nothing listens behind it: all requests are answered here.
  await using front = await ServiceFront.start(1);
  front.answer = () => ({ status: 200, body: "{}" });
  for (const { service, region, token, path, body } of REQUESTS) {
    const connection = awsConnectionSchema.parse({
      aws_access_key_id: "AKIDEXAMPLE",
      aws_secret_access_key: SECRET,
      ...(token === undefined ? {} : { aws_session_token: token }),
      endpoint_url: front.url,
      region,
    });
    using client = AwsClient.open({ title: "It", id: service, verdicts: new AwsVerdicts({}) }, connection);
    const request = {
      method: "POST",
      headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "A.Bc" },
      body: new TextEncoder().encode(body),
    };
    await client.send(path === undefined ? request : { ...request, path }, NEVER);
  }
  const signatures = front.requests.map(({ headers }) =>
    /Signature=([0-9a-f]{64})$/.exec(headers["authorization"]!)![1]
  );
  const again = front.requests.map(({ headers, url, body }, index) => {
    const names = /SignedHeaders=([^,]+)/.exec(headers["authorization"]!)![1]!.split(";");
    const { service, region, token = null } = REQUESTS[index]!;
    return {
      ...{ service, region, token },
      keyId: "AKIDEXAMPLE",
      secret: SECRET,
      url: front.url + url,
      headers: Object.fromEntries(names.map((name) => [name, headers[name]])),
      body: body.toString(),
    };
  });
  for (const { headers } of again) {
    for (const name of ["host", "x-amz-date", "x-amz-content-sha256"]) {
      assertEquals(name in headers, true, name);
    }
  }
  assertEquals(
    JSON.parse(await runPython("aws/botocore_signatures.py", JSON.stringify(again), DEBIAN_PYTHON)),
    signatures,
  );
});
