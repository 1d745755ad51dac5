import Hardware
import Testing

/// Links that each pass on a flit a cycle, the one that has waited longest first: nodes copy what has several receivers.
private struct SteppedNetwork {
  /// Where a flit goes: each link with the one that it comes over, none for the first.
  struct Route {
    var links: [(link: Int, after: Int?)]
  }

  var routes: [Route] = []

  /// Cycles until every flit has passed all its links, and the flits on the busiest of them.
  func run() -> (cycles: Int, busiest: Int) {
    var loads: [Int: Int] = [:]
    for route in routes { for hop in route.links { loads[hop.link, default: 0] += 1 } }
    // By link: flits that wait, with their place on their route.
    var waiting: [Int: [(flit: Int, hop: Int)]] = [:]
    func arrive(_ flit: Int, over hop: Int?, _ queues: inout [Int: [(flit: Int, hop: Int)]]) {
      for (next, place) in routes[flit].links.enumerated() where place.after == hop {
        queues[place.link, default: []].append((flit, next))
      }
    }
    for flit in routes.indices { arrive(flit, over: nil, &waiting) }
    var cycles = 0
    while waiting.values.contains(where: { !$0.isEmpty }) {
      cycles += 1
      var passed: [(flit: Int, hop: Int)] = []
      for link in waiting.keys.sorted() where waiting[link]?.isEmpty == false {
        if let first = waiting[link]?.removeFirst() { passed.append(first) }
      }
      for (flit, hop) in passed { arrive(flit, over: hop, &waiting) }
    }
    return (cycles, loads.values.max() ?? 0)
  }
}

extension Topology {
  /// The way of a flit from one endpoint to others; `turn` says which way round the far side of a ring is reached.
  fileprivate func route(_ source: Int, to receivers: Set<Int>, of count: Int, turn: Int) -> SteppedNetwork.Route {
    var links: [(link: Int, after: Int?)] = []
    switch self {
    case .bus: links.append((0, nil))
    case .crossbar:
      links.append((source, nil))
      for receiver in receivers.sorted() { links.append((count + receiver, 0)) }
    case .ring:
      func distance(_ receiver: Int) -> Int { (receiver - source + count) % count }
      func goesUp(_ receiver: Int) -> Bool {
        let away = distance(receiver)
        return 2 * away == count ? turn.isMultiple(of: 2) : 2 * away < count
      }
      let up = receivers.filter(goesUp).map(distance).max() ?? 0
      let down = receivers.filter { !goesUp($0) }.map { count - distance($0) }.max() ?? 0
      for hop in 0..<up { links.append(((source + hop) % count, hop > 0 ? links.count - 1 : nil)) }
      for hop in 0..<down {
        links.append((count + (source - hop + count) % count, hop > 0 ? links.count - 1 : nil))
      }
    case .butterfly:
      let stages = (count - 1 == 0 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount)
      // After stage s a wire has the receiver's upper s + 1 bits and the source's lower ones.
      var places: [Int: Int] = [:]
      for stage in 0..<stages {
        let low = (1 << (stages - 1 - stage)) - 1
        for receiver in receivers.sorted() {
          let wire = stage * count + (receiver & ~low | source & low)
          guard places[wire] == nil else { continue }
          let before = (stage - 1) * count + (receiver & ~(low << 1 | 1) | source & (low << 1 | 1))
          links.append((wire, stage > 0 ? places[before] : nil))
          places[wire] = links.count - 1
        }
      }
    }
    return SteppedNetwork.Route(links: links)
  }
}

@Suite("Links between equal endpoints")
struct LinkTests {
  private static let flits = 24

  private static let counts = [2, 3, 4, 5, 8, 16]

  @Test(arguments: Topology.allCases, counts)
  func `parts that all cast to all others take the busiest link's load, flit by flit`(
    _ topology: Topology, count: Int
  ) {
    guard topology.joins(count) else { return }
    var network = SteppedNetwork()
    for turn in 0..<Self.flits {
      for source in 0..<count {
        let others = Set(0..<count).subtracting([source])
        network.routes.append(topology.route(source, to: others, of: count, turn: turn))
      }
    }
    let (cycles, busiest) = network.run()
    let load = topology.gatherLoad(among: count) * Double(Self.flits * count)
    #expect(abs(Double(busiest) - load) < 1e-9, "\(busiest), not \(load)")
    #expect(cycles >= busiest && cycles <= busiest + count, "\(cycles) cycles for \(busiest)")
  }

  @Test(arguments: Topology.allCases, counts)
  func `parts for everybody take the busiest link's load, flit by flit`(_ topology: Topology, count: Int) {
    guard topology.joins(count) else { return }
    var network = SteppedNetwork()
    for turn in 0..<Self.flits {
      for step in 1..<count {
        for source in 0..<count {
          network.routes.append(topology.route(source, to: [(source + step) % count], of: count, turn: turn))
        }
      }
    }
    let (cycles, busiest) = network.run()
    let load = topology.exchangeLoad(among: count) * Double(Self.flits * count * count)
    #expect(abs(Double(busiest) - load) < 1e-9, "\(busiest), not \(load)")
    // A link may wait for the first that comes from afar.
    #expect(cycles >= busiest && cycles <= busiest + 2 * count + Self.flits, "\(cycles) cycles for \(busiest)")
  }

  @Test func `half of a ring's exchange crosses its middle, by four links`() {
    // The bisection: of n/2 · n/2 parts each way, half by either of two links.
    for count in [4, 8, 16] {
      let across = Double(count * count / 4) / 2
      #expect(Topology.ring.exchangeLoad(among: count) * Double(count * count) == across)
    }
  }

  @Test(arguments: Topology.allCases)
  func `one endpoint sends nothing, and more of them never less`(_ topology: Topology) {
    #expect(topology.gatherLoad(among: 1) == 0 && topology.exchangeLoad(among: 1) == 0)
    for count in 2...16 {
      #expect(topology.gatherLoad(among: count) >= topology.gatherLoad(among: count - 1))
      #expect(topology.gatherLoad(among: count) <= 1 && topology.exchangeLoad(among: count) < 1)
      // What is cast to all is no less than what each gets a part of.
      #expect(topology.gatherLoad(among: count) >= topology.exchangeLoad(among: count))
    }
  }

  @Test func `links are counted`() {
    #expect(Topology.bus.links(between: 4) == 1)
    #expect(Topology.ring.links(between: 4) == 8 && Topology.crossbar.links(between: 4) == 8)
    #expect(Topology.butterfly.links(between: 4) == 8 && Topology.butterfly.links(between: 16) == 64)
    #expect(!Topology.butterfly.joins(6) && Topology.ring.joins(6))
  }
}
