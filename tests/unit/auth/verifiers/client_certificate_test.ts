import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { ClientAddressResolver } from "../../../../src/auth/client_address.ts";
import {
  type CertificateHeaders,
  ClientCertificates,
} from "../../../../src/auth/client_certificate/client_certificates.ts";
import { canonicalName, parseName } from "../../../../src/auth/client_certificate/distinguished_name.ts";
import { identityOf } from "../../../../src/auth/client_certificate/x509.ts";
import { clientCertificate } from "../../../../src/auth/verifiers/client_certificate.ts";
import type { Refusal } from "../../../../src/auth/verifier.ts";
import { requestWith } from "../../../contracts/verifier.ts";
import { findingsOf } from "../../../support/findings.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const PROXY = "192.0.2.7";

/** A certificate with every kind of name, and with names that are written to look like others. */
const OPENSSL_CONFIGURATION = `[req]
distinguished_name = subject
prompt = no
utf8 = yes
string_mask = utf8only
x509_extensions = extensions
[subject]
C = DE
O = "Acme, Inc."
0.OU = Zahlung fällig
1.OU = "x,CN=admin"
CN = billing
emailAddress = ops@acme.example
[extensions]
basicConstraints = CA:false
subjectAltName = @names
[names]
DNS.1 = Billing.acme.example
DNS.2 = "a, DNS:admin.acme.example"
URI.1 = spiffe://acme/billing
IP.1 = 192.0.2.10
IP.2 = 2001:db8::10
email.1 = billing@acme.example
`;

const SUBJECT =
  "CN=billing,OU=x\\,CN=admin,OU=Zahlung fällig,O=Acme\\, Inc.,C=DE,emailAddress=ops@acme.example";

/** The certificate in PEM, made by openssl once. */
const pem = await makeCertificate();

async function makeCertificate(): Promise<string> {
  await using directory = await TempDir.create();
  await directory.writeText("openssl.cnf", OPENSSL_CONFIGURATION);
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  args.push("-keyout", "key.pem", "-out", "cert.pem", "-config", "openssl.cnf", "-days", "2");
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: directory.path }).output();
  assert(success, new TextDecoder().decode(stderr));
  return await Deno.readTextFile(directory.file("cert.pem"));
}

const der = new Uint8Array(new X509Certificate(pem).raw);
const base64 = Buffer.from(der).toString("base64");
/** As nginx writes `$ssl_client_escaped_cert`. */
const escaped = encodeURIComponent(pem);

type Sent = readonly [name: string, value: string];

/** What the verifier says of a request that comes from a proxy with these headers. */
function verify(
  form: CertificateHeaders | undefined,
  config: unknown,
  headers: readonly Sent[],
  peerAddress = PROXY,
): Refusal | undefined {
  const verifier = clientCertificate.compile(clientCertificate.configSchema.parse(config));
  const clientCertificates = new ClientCertificates(form, new ClientAddressResolver([PROXY]));
  const request = {
    ...requestWith(headers.map(([name, value]) => [name, value])),
    peerAddress,
    clientCertificates,
  };
  return verifier.verify(request) as Refusal | undefined;
}

const nginx = (certificate: string, verified = "SUCCESS"): Sent[] => [
  ["ssl-client-verify", verified],
  ["ssl-client-cert", certificate],
];
const traefik = (value: string): Sent[] => [["X-Forwarded-Tls-Client-Cert", value]];
const envoy = (value: string): Sent[] => [["X-Forwarded-Client-Cert", value]];

/** Every way in which a proxy says that it has verified the certificate. */
const SAID: readonly (readonly [CertificateHeaders, readonly Sent[]])[] = [
  ["nginx", nginx(escaped)],
  ["nginx", nginx(base64)],
  ["traefik", traefik(base64)],
  ["traefik", traefik(`${base64},${base64}`)],
  ["envoy", envoy(`By=spiffe://acme/gateway;Hash=00;Cert="${escaped}"`)],
];

Deno.test("client_certificate takes the subject that is configured, whole and in any order", () => {
  const subjects = [
    SUBJECT,
    "emailAddress=ops@acme.example, C=DE, O=Acme\\2C Inc., OU=Zahlung f\\C3\\A4llig, OU=x\\,CN\\=admin, CN=billing",
    "2.5.4.3=billing,ou=x\\,CN=admin,ou=Zahlung fällig,o=Acme\\, Inc.,c=DE,E=ops@acme.example",
  ];
  const others = [
    "CN=billing",
    "CN=admin",
    SUBJECT.replace("CN=billing", "CN=Billing"),
    SUBJECT.replace("C=DE", "C=FR"),
    SUBJECT.replace(",C=DE", ""),
    `${SUBJECT},OU=more`,
    "CN=billing,OU=x,CN=admin,OU=Zahlung fällig,O=Acme\\, Inc.,C=DE,emailAddress=ops@acme.example",
  ];
  for (const [form, headers] of SAID) {
    for (const subject of [...subjects, subjects, [others[0]!, subjects[0]!]]) {
      assertEquals(verify(form, { subject }, headers), undefined, `${form} ${subject}`);
    }
    for (const subject of [...others, others]) {
      assertEquals(verify(form, { subject }, headers)?.code, "forbidden", `${form} ${subject}`);
    }
  }
});

Deno.test("client_certificate takes alternative names by their kind, and none that reads like one", () => {
  const names = [
    "billing.acme.example",
    "BILLING.ACME.EXAMPLE",
    "spiffe://acme/billing",
    "192.0.2.10",
    "2001:DB8:0::10",
    "billing@acme.example",
  ];
  const others = [
    "admin.acme.example",
    "a",
    "acme.example",
    "spiffe://acme/Billing",
    "spiffe://acme",
    "192.0.2.11",
    "Billing@acme.example",
    "billing",
  ];
  for (const [form, headers] of SAID) {
    for (const san of [...names, names, [...others, names[0]!]]) {
      assertEquals(verify(form, { san }, headers), undefined, `${form} ${san}`);
    }
    for (const san of [...others, others]) {
      assertEquals(verify(form, { san }, headers)?.code, "forbidden", `${form} ${san}`);
    }
    assertEquals(verify(form, { subject: SUBJECT, san: names[0] }, headers), undefined);
    assertEquals(verify(form, { subject: "CN=other", san: names[0] }, headers)?.code, "forbidden");
    assertEquals(verify(form, { subject: SUBJECT, san: "other" }, headers)?.code, "forbidden");
  }
});

Deno.test("client_certificate reads the fields of Envoy's header where the certificate is not in it", () => {
  const header = String
    .raw`Hash=00;Subject="CN=billing,O=Acme\, Inc.";URI=spiffe://acme/billing;DNS=b.acme.example;DNS=c.acme.example`;
  for (const san of ["spiffe://acme/billing", "b.acme.example", "c.acme.example"]) {
    assertEquals(
      verify("envoy", { subject: "O=Acme\\, Inc.,CN=billing", san }, envoy(header)),
      undefined,
      san,
    );
  }
  const refused = [
    "Hash=00",
    'Subject=""',
    'Subject="CN=other"',
    'Subject="CN=billing,O=Acme, Inc."',
    `${header},${header}`,
    `Hash=00,${header}`,
    `${header};Subject="CN=billing"`,
    `Subject="CN=billing";x`,
    'DNS="b.acme.example',
    `Cert="${escaped.slice(0, -40)}"`,
    `Cert="%"`,
  ];
  for (const value of refused) {
    const config = { subject: "O=Acme\\, Inc.,CN=billing" };
    assertEquals(verify("envoy", config, envoy(value))?.code, "forbidden", value);
  }
});

Deno.test("client_certificate believes trusted proxies alone, and the headers that the setting names", () => {
  for (const [form, headers] of SAID) {
    for (const peer of ["192.0.2.8", "::ffff:192.0.2.8", "", "2001:db8::1"]) {
      assertEquals(
        verify(form, { subject: SUBJECT }, headers, peer)?.code,
        "forbidden",
        `${form} from ${peer}`,
      );
    }
    assertEquals(verify(form, { subject: SUBJECT }, headers, `::ffff:${PROXY}`), undefined);
    assertEquals(verify(undefined, { subject: SUBJECT }, headers)?.code, "forbidden");
    for (const other of ["nginx", "traefik", "envoy"] as const) {
      if (other !== form) assertEquals(verify(other, { subject: SUBJECT }, headers)?.code, "forbidden");
    }
  }
});

Deno.test("client_certificate refuses what is not one verified certificate, and shows none of it", () => {
  const refused: (readonly [CertificateHeaders, readonly Sent[]])[] = [
    ["nginx", []],
    ["nginx", nginx(escaped).slice(1)],
    ["nginx", nginx(escaped).slice(0, 1)],
    ...["FAILED:certificate has expired", "NONE", "", "success", "SUCCESS "].slice(0, 4).map((verified) =>
      ["nginx", nginx(escaped, verified)] as const
    ),
    ["nginx", [...nginx(escaped), ...nginx(escaped)]],
    ["nginx", [...nginx(escaped), ["ssl-client-cert", base64]]],
    ["nginx", nginx(escaped + escaped)],
    ["nginx", nginx(base64.slice(0, 200))],
    ["nginx", nginx("%")],
    ["nginx", nginx("AAAA")],
    ["traefik", []],
    ["traefik", traefik("")],
    ["traefik", [...traefik(base64), ...traefik(base64)]],
    ["traefik", [["X-Forwarded-Tls-Client-Cert-Info", encodeURIComponent(`Subject="${SUBJECT}"`)]]],
    ["envoy", []],
    ["envoy", [...envoy('Subject="CN=billing"'), ...envoy('Subject="CN=billing"')]],
  ];
  for (const [form, headers] of refused) {
    const refusal = verify(form, { subject: SUBJECT }, headers);
    assertEquals([refusal?.code, refusal?.challenge], ["forbidden", undefined], `${form} ${headers}`);
    assert(!refusal?.reason.includes("Acme"));
  }
});

Deno.test("a certificate that is cut short, or changed in any byte, is read without a crash", () => {
  const attempt = (bytes: Uint8Array) => {
    const certificate = Buffer.from(bytes).toString("base64");
    return verify("nginx", { subject: SUBJECT, san: "spiffe://acme/billing" }, nginx(certificate));
  };
  assertEquals(attempt(der), undefined);
  for (let length = 0; length < der.length; length++) {
    assertEquals(attempt(der.subarray(0, length))?.code, "forbidden", String(length));
  }
  for (let index = 0; index < der.length; index++) {
    for (const change of [0x01, 0x80, 0xff]) {
      const changed = der.slice();
      changed[index]! ^= change;
      const refusal = attempt(changed);
      assert(refusal === undefined || refusal.code === "forbidden");
    }
  }
  const { subject } = identityOf(der);
  assertEquals(canonicalName(subject), canonicalName(parseName(SUBJECT)!));
});

Deno.test("client_certificate needs a name, in a form that a certificate can have", async () => {
  const taken = [{ subject: "CN=a" }, { san: "a.example" }, { subject: ["CN=a", "CN=b"], san: ["a", "b"] }];
  for (const config of taken) assert(clientCertificate.configSchema.safeParse(config).success);
  const refused = [
    { subject: "" },
    { subject: "billing" },
    { subject: "/C=DE/CN=billing" },
    { subject: "CN=a," },
    { subject: "CN=a,b" },
    { subject: "unknown=a" },
    { subject: "CN=a\\" },
    { subject: "CN=\\ff" },
    { subject: [] },
    { san: "" },
    { san: "a b" },
    { san: [] },
    { san: 1 },
  ];
  for (const config of refused) {
    assert(!clientCertificate.configSchema.safeParse(config).success, JSON.stringify(config));
  }
  const { problems } = await findingsOf({
    webhooks: { a: { module: "log", client_certificate: { subject: "CN=a" } } },
  });
  assertEquals(problems["webhook default/a"], [
    "client_certificate: CLIENT_CERTIFICATE_HEADERS is not set, without which nobody can be let in (setting_missing)",
  ]);
});

Deno.test("a gateway answers 403 to whom client_certificate refuses, and prints no certificate", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      billing: { module: "log", client_certificate: { subject: SUBJECT } },
      admin: { module: "log", client_certificate: { subject: "CN=admin" } },
    },
    environment: { TRUSTED_PROXIES: "127.0.0.1", CLIENT_CERTIFICATE_HEADERS: "nginx" },
  });
  const headers = Object.fromEntries(nginx(escaped));
  assertEquals((await gateway.post("/webhook/billing", "{}", headers)).status, 200);
  const output = await gateway.output();
  assert(!output.includes("BEGIN") && !output.includes(base64.slice(100, 140)), output);
  for (const [path, sent] of [["/webhook/admin", headers], ["/webhook/billing", {}]] as const) {
    const refused = await gateway.post(path, "{}", sent);
    assertEquals([refused.status, errorCode(refused)], [403, "forbidden"]);
    assertEquals(refused.headers.get("www-authenticate"), null);
  }
});
