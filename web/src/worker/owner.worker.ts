import init, { Client } from '../wasm/owner/client';
import { serve } from './vault.worker';

serve(init().then(() => Client));
