/** Whether a portal has the master key that a backup's credentials are sealed with, without telling anything of the key. */
import type { Vault } from '../../core/vault.ts';

/** In hex. */
export const keyCheck = (vault: Vault): string => vault.mac('backup', 'the key of this installation').toString('hex');
