/** A WebAssembly.Module: workerd compiles what is imported, and nothing later. */
declare const kernel: object;
export default kernel;
