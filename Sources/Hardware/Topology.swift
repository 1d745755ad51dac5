/// How equal endpoints of a chip are joined by links of one rate.
///
/// Loads are those of the busiest link, over all bytes that are sent; what several endpoints are sent counts once on every
/// link that it passes, and goes the shortest way. Patterns are even, so that a link is never idle while one as busy
/// as it works: bytes over the load's link is the time, but for the way of the last ones.
///
/// Left out: the steps of routers on the way; arbitration between patterns that meet, which share a link in turn.
public enum Topology: String, CaseIterable, Hashable, Sendable {
  /// One link that all take turns on.
  case bus
  /// Two links between neighbours, one a direction; half of what goes to the far side of an even number goes either way.
  case ring
  /// A link into the middle from each, and one out to each.
  case crossbar
  /// Stages of 2×2 switches with as many links between them as there are endpoints, a power of two.
  case butterfly

  /// Links between so many endpoints.
  public func links(between endpoints: Int) -> Int {
    switch self {
    case .bus: 1
    case .ring, .crossbar: 2 * endpoints
    case .butterfly: endpoints * (endpoints - 1).bitWidthOfValue
    }
  }

  /// The busiest link's share where each endpoint sends its part of the whole to all others.
  public func gatherLoad(among endpoints: Int) -> Double {
    guard endpoints > 1 else { return 0 }
    let count = Double(endpoints)
    return switch self {
    case .bus: 1
    // Every part passes all links but one of a ring, half of them in each direction.
    case .ring: (count - 1) / (2 * count)
    // All but its own part arrives at each.
    case .crossbar, .butterfly: (count - 1) / count
    }
  }

  /// The busiest link's share where each endpoint has an equal part of the whole for each, itself included.
  public func exchangeLoad(among endpoints: Int) -> Double {
    guard endpoints > 1 else { return 0 }
    let count = Double(endpoints)
    return switch self {
    case .bus: (count - 1) / count
    // Of n² parts, those to the neighbours at 1, 2, … up to half of the ring pass as many links in each direction.
    case .ring: Double(endpoints * endpoints / 4) / (2 * count * count)
    case .crossbar, .butterfly: (count - 1) / (count * count)
    }
  }

  /// Whether it can join so many.
  public func joins(_ endpoints: Int) -> Bool { self != .butterfly || endpoints & (endpoints - 1) == 0 }
}

extension Int {
  /// Bits that a value of no less than zero takes.
  fileprivate var bitWidthOfValue: Int { Int.bitWidth - leadingZeroBitCount }
}
