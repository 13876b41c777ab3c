/** STUB */
export function parsePurl(text: string): {type: string; namespace: string|null; name: string; version: string|null} { return {type:'npm',namespace:null,name:text,version:null}; }
