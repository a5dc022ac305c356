/**
 * Types of the two files inside of kafkajs that `modules/kafkajs_repairs.ts` changes. They belong to version
 * 2.2.4, the last one.
 */

declare module "kafkajs/request-queue" {
  /** The requests of one connection to a broker. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  }
}

declare module "kafkajs/requests" {
  /** A request, and how its answer is read. */
  export interface Exchange<Answer> {
    readonly request: unknown;
    readonly response: {
      decode(bytes: unknown): Promise<Answer>;
      /** Throws the first error that stands in the answer. */
      parse(answer: Answer): Promise<Answer>;
    };
  }

  /** One kind of request in all its versions. */
  export interface Definition<Parameters, Answer> {
    readonly versions: readonly string[];
    protocol(version: { readonly version: number }): (parameters: Parameters) => Exchange<Answer>;
  }

  export interface ProduceParameters {
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly messages: readonly object[] }[];
    }[];
  }

  export interface ProduceAnswer {
    readonly topics: readonly {
      readonly topicName: string;
      readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
    }[];
  }

  export interface MetadataAnswer {
    readonly topicMetadata: readonly {
      readonly topic: string;
      readonly partitionMetadata: readonly {
        readonly partitionId: number;
        readonly partitionErrorCode: number;
        readonly leader: number;
      }[];
    }[];
  }

  const definitions: {
    readonly requests: {
      Produce: Definition<ProduceParameters, ProduceAnswer>;
      Metadata: Definition<unknown, MetadataAnswer>;
    };
  };
  export default definitions;
}
