import { assert, assertEquals, assertRejects } from "@std/assert";
import { assertValid, kindsIn, outputOf } from "./render.ts";

/** A Helm that was built without its release scripts believes in Kubernetes 1.20. */
const RENDER = ["template", "hooks", "chart", "--kube-version", "1.30.0"];

const render = (...settings: readonly string[]) =>
  outputOf("HELM_BIN", [...RENDER, ...settings.flatMap((setting) => ["--set-json", setting])]);

Deno.test("the chart with a journal for each pod is one that Kubernetes would take", async () => {
  const manifests = await render();
  assertEquals(kindsIn(manifests).includes("StatefulSet"), true);
  await assertValid(manifests);
});

Deno.test("the chart with one journal for all pods is one that Kubernetes would take", async () => {
  const manifests = await render('journal="postgres"');
  assertEquals(kindsIn(manifests).includes("HorizontalPodAutoscaler"), true);
  await assertValid(manifests);
});

Deno.test("the chart with everything that can be asked for is one that Kubernetes would take", async () => {
  const manifests = await render(
    'journal="postgres"',
    "autoscaling.enabled=false",
    'ingress={"enabled":true,"host":"hooks.example.com","className":"nginx","tlsSecret":"hooks-tls"}',
    'networkPolicy.from=[{"namespaceSelector":{"matchLabels":{"name":"ingress"}}}]',
    'env={"TRUSTED_PROXIES":"10.0.0.0/8","MAX_BODY_BYTES":1048576}',
    'service.annotations={"a":"b"}',
    'podAnnotations={"a":"b"}',
    'nodeSelector={"kubernetes.io/arch":"amd64"}',
    'tolerations=[{"key":"hooks","operator":"Exists"}]',
    'imagePullSecrets=[{"name":"registry"}]',
  );
  assertEquals(kindsIn(manifests).includes("Ingress"), true);
  await assertValid(manifests);
});

Deno.test("the chart asks for a ServiceMonitor where it is wanted", async () => {
  assert(kindsIn(await render("serviceMonitor.enabled=true")).includes("ServiceMonitor"));
});

Deno.test("the chart refuses values that it does not know", async () => {
  await assertRejects(() => render('journal="mysql"'));
  await assertRejects(() => render("replicaCount=3"));
});
