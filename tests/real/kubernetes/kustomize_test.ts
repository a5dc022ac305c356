import { assertEquals } from "@std/assert";
import { assertValid, kindsIn, outputOf } from "./render.ts";

const SHARED = ["ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"];

Deno.test("kustomize makes manifests with a journal for each pod that Kubernetes would take", async () => {
  const manifests = await outputOf("KUSTOMIZE_BIN", ["build", "sqlite"]);
  assertEquals(kindsIn(manifests), [...SHARED, "Service", "StatefulSet"].sort());
  await assertValid(manifests);
});

Deno.test("kustomize makes manifests with one journal for all pods that Kubernetes would take", async () => {
  const manifests = await outputOf("KUSTOMIZE_BIN", ["build", "postgres"]);
  assertEquals(kindsIn(manifests), [...SHARED, "Deployment", "HorizontalPodAutoscaler"].sort());
  await assertValid(manifests);
});
