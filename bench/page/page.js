// Starts the worker that measures, as the page starts its own, and passes on what it finds.

import { startWorker } from '../../web/src/lib/trusted';
import address from './worker.js?worker&url';

const told = (body) => fetch('/told', { method: 'POST', body: JSON.stringify(body) });

const worker = startWorker(address);
worker.onmessage = ({ data }) => told(data);
worker.onerror = ({ message }) => told({ failed: message ?? 'the worker did not start' });
worker.postMessage({ api: new URLSearchParams(location.search).get('api') });
