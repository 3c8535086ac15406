import type { Service } from '../service.ts';

/** The services of all agents in this process that have not ended: what metrics are read from. */
export const liveServices = new Set<Service>();
