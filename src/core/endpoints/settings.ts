/** What the set of endpoints is told. */
export interface EndpointSettings {
  /** Endpoints that a virtual IP is taken for. */
  spread: number;
  subset: SubsetSettings;
  slowStart: SlowStartSettings;
}

export interface SubsetSettings {
  /** Endpoints; 0: all. */
  size: number;
  /** `undefined`: a StatefulSet pod's ordinal, if it's one's. */
  index: number | undefined;
}

export interface SlowStartSettings {
  /** Milliseconds; 0: off. */
  window: number;
  minWeight: number;
}
