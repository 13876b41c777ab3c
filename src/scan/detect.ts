/** STUB */
import type { Inventory } from '../core/component.ts'; export function detectArchive(_path: string): Promise<Inventory> { throw new Error('stub'); }
