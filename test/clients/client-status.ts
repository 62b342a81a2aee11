/** The parts of a daemon's status, and of its lock's, that the plays look at: as its local API gives them, the same in every release. */

export interface PeerStatus {
  readonly ID: string;
  readonly PublicKey: string;
  readonly HostName: string;
  readonly DNSName: string;
  readonly OS: string;
  readonly TailscaleIPs: readonly string[] | null;
  readonly Tags?: readonly string[];
  readonly Online: boolean;
  readonly CurAddr: string;
  readonly Relay: string;
  readonly KeyExpiry?: string;
  readonly Expired?: boolean;
}

export interface Status {
  readonly Version: string;
  /** NoState, NeedsLogin, NeedsMachineAuth, Stopped, Starting or Running. */
  readonly BackendState: string;
  readonly AuthURL: string;
  readonly Health: readonly string[] | null;
  readonly Self: PeerStatus;
  readonly Peer?: Readonly<Record<string, PeerStatus>> | null;
  readonly CurrentTailnet: { readonly Name: string; readonly MagicDNSSuffix: string } | null;
}

export interface LockPeer {
  readonly Name: string;
  readonly NodeKey: string;
  readonly TailscaleIPs: readonly string[];
}

export interface LockStatus {
  readonly Enabled: boolean;
  /** 32 bytes, while the lock is on. */
  readonly Head: readonly number[] | null;
  readonly PublicKey: string;
  readonly NodeKey: string | null;
  readonly NodeKeySigned: boolean;
  readonly TrustedKeys: readonly { readonly Key: string; readonly Votes: number }[] | null;
  readonly VisiblePeers?: readonly LockPeer[] | null;
  readonly FilteredPeers: readonly LockPeer[] | null;
}
