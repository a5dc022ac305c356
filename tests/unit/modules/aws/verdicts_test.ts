import { assertEquals, assertStringIncludes } from "@std/assert";
import type { AwsRefusal } from "../../../../src/modules/aws/refusal.ts";
import { AwsVerdicts } from "../../../../src/modules/aws/verdicts.ts";
import { reject } from "../../../../src/modules/verdicts.ts";

const VERDICTS = new AwsVerdicts({ EntityTooLarge: reject("does not take the object") }, {
  404: reject("has it not"),
});

function judged(parts: Partial<AwsRefusal>): { readonly code: string; readonly message: string } {
  const refusal = {
    status: 400,
    code: undefined,
    retryAfterSeconds: undefined,
    aheadSeconds: undefined,
    ...parts,
  };
  return VERDICTS.judge(refusal, "S3 at s3.test:443", "bucket 'b'");
}

Deno.test("credentials, rights and clocks that are wrong pause the output", () => {
  for (
    const code of ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AccessDenied", "KMS.X"]
  ) {
    assertEquals(judged({ status: 403, code }).code, "output_unavailable", code);
  }
  assertEquals(judged({ status: 403, code: "RequestTimeTooSkewed" }).code, "output_unavailable");
});

Deno.test("services that ask for fewer requests get fewer, by code and by status", () => {
  assertEquals(judged({ status: 503, code: "SlowDown" }).code, "output_throttled");
  assertEquals(judged({ code: "ThrottlingException" }).code, "output_throttled");
  assertEquals(judged({ status: 429 }).code, "output_throttled");
});

Deno.test("a code that is not known is judged by its status", () => {
  assertEquals(judged({ status: 500, code: "Oops" }).code, "output_failed");
  assertEquals(judged({ status: 404, code: "Oops" }).code, "output_rejected");
  assertEquals(judged({ status: 301 }).code, "output_unavailable");
  assertEquals(judged({ status: 400, code: "Oops" }).code, "output_failed");
});

Deno.test("an error names the service, what was refused, the code and the status", () => {
  const { message } = judged({ code: "EntityTooLarge" });
  assertEquals(message, "S3 at s3.test:443 does not take the object: bucket 'b' (EntityTooLarge, 400)");
});

Deno.test("a clock that is far off is named, whichever error it leads to", () => {
  const { message } = judged({ status: 403, code: "SignatureDoesNotMatch", aheadSeconds: -1200 });
  assertStringIncludes(message, "the clock of this machine is 1200 seconds behind the service's");
  assertEquals(
    judged({ status: 403, code: "AccessDenied", aheadSeconds: 3 }).message.includes("clock"),
    false,
  );
});
