import { assertEquals } from "@std/assert";
import { awsConnectionSchema, endpointOf } from "../../../../src/modules/aws/connection.ts";

const KEYS = { aws_access_key_id: "AKIA", aws_secret_access_key: "s3cr3t/+=" };

function problems(connection: Record<string, unknown>): readonly string[] {
  const { error } = awsConnectionSchema.safeParse({ ...KEYS, ...connection });
  return error?.issues.map(({ path }) => path.join(".")) ?? [];
}

Deno.test("a connection without endpoint leads to AWS in its region", () => {
  assertEquals(endpointOf(awsConnectionSchema.parse(KEYS), "sqs").hostname, "sqs.us-east-1.amazonaws.com");
  const china = awsConnectionSchema.parse({ ...KEYS, region: "cn-north-1" });
  assertEquals(endpointOf(china, "s3"), {
    protocol: "https:",
    hostname: "s3.cn-north-1.amazonaws.com.cn",
    port: 443,
    path: "/",
  });
});

Deno.test("region and region_name mean the same, and may not differ", () => {
  assertEquals(awsConnectionSchema.parse({ ...KEYS, region_name: "eu-north-1" }).region, "eu-north-1");
  assertEquals(problems({ region: "eu-north-1", region_name: "eu-west-1" }), ["region_name"]);
});

Deno.test("regions, endpoints and credentials that no request could have are refused", () => {
  assertEquals(problems({ region: "eu.evil.example/" }), ["region"]);
  assertEquals(problems({ endpoint_url: "ftp://minio" }), ["endpoint_url"]);
  assertEquals(problems({ endpoint_url: "http://key:secret@minio" }), ["endpoint_url"]);
  assertEquals(problems({ endpoint_url: "http://minio/base" }), ["endpoint_url"]);
  assertEquals(problems({ endpoint_url: "http://minio", tls: {} }), ["tls"]);
  assertEquals(problems({ aws_secret_access_key: "no space\there" }), ["aws_secret_access_key"]);
});
