export declare function build(options?: { force?: boolean }): Promise<void>
//# sourceMappingURL=build.d.ts.map
