// What the preload does, in a Node.js that is new enough.
import { install } from './transports/undici/global/install.ts';

install();
