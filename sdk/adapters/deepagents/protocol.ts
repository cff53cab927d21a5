/** A file or directory in a listing; directories end with a slash. */
export interface FileInfo {
  path: string;
  is_dir?: boolean;
  /** Bytes. */
  size?: number;
  /** ISO 8601. */
  modified_at?: string;
}

export interface LsResult {
  error?: string;
  files?: FileInfo[];
}

export interface ReadResult {
  error?: string;
  content?: string | Uint8Array;
  mimeType?: string;
  totalLines?: number;
  startLine?: number;
  endLine?: number;
  nextOffset?: number;
}

export interface ReadRawResult {
  error?: string;
  data?: { content: string | Uint8Array; mimeType: string; created_at: string; modified_at: string };
}

/** `filesUpdate: null` says that the backend keeps its files itself. */
export interface WriteResult {
  error?: string;
  path?: string;
  filesUpdate?: null;
}

export interface EditResult extends WriteResult {
  occurrences?: number;
}

export interface GrepMatch {
  path: string;
  /** 1-based. */
  line: number;
  text: string;
}

export interface GrepResult {
  error?: string;
  matches?: GrepMatch[];
  truncated?: boolean;
}

export interface GlobResult {
  error?: string;
  files?: FileInfo[];
}

/** What deepagents tells a model about a transfer that failed. */
export type TransferError = "file_not_found" | "permission_denied" | "is_directory" | "invalid_path";

export interface UploadResult {
  path: string;
  error: TransferError | null;
}

export interface DownloadResult extends UploadResult {
  content: Uint8Array | null;
}

/** The methods of deepagents' `BackendProtocolV2`. None of them throws for what a model can cause. */
export interface DeepAgentsBackend {
  ls(path: string): Promise<LsResult>;
  read(path: string, offset?: number, limit?: number): Promise<ReadResult>;
  readRaw(path: string): Promise<ReadRawResult>;
  write(path: string, content: string): Promise<WriteResult>;
  edit(path: string, oldString: string, newString: string, replaceAll?: boolean): Promise<EditResult>;
  delete(path: string): Promise<WriteResult>;
  grep(
    pattern: string,
    path?: string | null,
    glob?: string | null,
    maxCount?: number | null,
  ): Promise<GrepResult>;
  glob(pattern: string, path?: string): Promise<GlobResult>;
  uploadFiles(files: [string, Uint8Array][]): Promise<UploadResult[]>;
  downloadFiles(paths: string[]): Promise<DownloadResult[]>;
}
