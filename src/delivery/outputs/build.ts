/**
 * Builds the outputs of a program, the gateway or the connector, with their metrics and their log.
 *
 * @module
 */

import { logger } from "../../observability/logging.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { HostEnvironment } from "./output_host.ts";
import { OutputMetrics } from "./output_metrics.ts";
import { OutputPool } from "./output_pool.ts";

/** What the outputs of a program work with. */
export interface OutputsOptions extends Omit<HostEnvironment, "metrics"> {
  readonly metrics: Metrics;
}

/** Builds the pool of outputs, which registers its metrics and logs as `output`. */
export function buildOutputs({ metrics, ...environment }: OutputsOptions): OutputPool {
  const outputs: OutputPool = new OutputPool(
    { ...environment, metrics: new OutputMetrics(metrics, () => outputs.hosts()) },
    logger("output"),
  );
  return outputs;
}
