/** The settings of the set of endpoints. */
export interface EndpointSettings {
  /** Into how many slots a virtual IP is split; `'auto'`: as many as the rate of requests keeps connected. */
  spread: number | 'auto';
  subset: SubsetSettings;
  slowStart: SlowStartSettings;
}

export interface SubsetSettings {
  /** How many endpoints; 0: all. */
  size: number;
  /** `undefined`: the ordinal of a StatefulSet pod, if this process runs in one. */
  index: number | undefined;
}

export interface SlowStartSettings {
  /** Milliseconds; 0: no slow start. */
  window: number;
  minWeight: number;
}
