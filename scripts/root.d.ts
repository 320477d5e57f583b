/** The repository's root folder. */
export declare const root: string
//# sourceMappingURL=root.d.ts.map
