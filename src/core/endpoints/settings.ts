/** What the set of endpoints is told. */
export interface EndpointSettings {
  /** Slots that a virtual IP is taken for; `'auto'`: as many as the rate of requests keeps connected. */
  spread: number | 'auto';
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
