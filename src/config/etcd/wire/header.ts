/** The header of an answer. */
export interface EtcdHeader {
  /** Differs between clusters; a uint64, kept as text. */
  readonly clusterId: string;
  /** Grows with every change in the cluster. At 100,000 changes a second, 2^53 is reached in 2,800 years. */
  readonly revision: number;
  /** Grows with every election. */
  readonly term: number;
}
