/** STUB */
export function tierOf(_e: string): {tier: string} { return {tier:'unknown'}; } export function licenseInfo(id: string): {name: string; osiApproved: boolean; fsfLibre: boolean|null; deprecated: boolean; referenceUrl: string|null} { return {name:id,osiApproved:false,fsfLibre:null,deprecated:false,referenceUrl:null}; }
