import Hardware
import Quantities
import RealModule

/// What a kernel asks of a chip: the parts of its time that scale with the clock, those that do not, and its energy.
struct PowerDemand {
  /// Time before anything is issued, whatever the clock.
  var launch: Seconds
  /// Cycles before anything is issued.
  var launchCycles = 0.0
  /// Cycles of the cores.
  var cycles: Double
  /// Cycles of loads that wait for each other, beside those.
  var loadCycles = 0.0
  /// Time of the shared cache, which keeps its clock.
  var cache = Seconds.zero
  /// Time of off-chip memory.
  var memory: Seconds
  /// Energy of on-chip actions at the highest voltage.
  var dynamicEnergy: Joules
  /// Energy of off-chip memory, which the core's voltage does not change.
  var memoryEnergy: Joules
  /// How well cores, cache and memory overlap; see ``TensorCoreGPU/overlapExponent``.
  var overlapExponent = Double.infinity
  /// What its last turn has of all that; everything where there is but one.
  var lastTurn = TurnShares()

  /// Whether it may be done in less than a time under a power limit: false only where it cannot. To be in time its cycles
  /// need a clock, and at that clock its energy may be more than the time allows.
  func mayBeat(_ time: Seconds, power: PowerModel, maximum: Hertz) -> Bool {
    let spare = (time - launch).value
    guard spare > max(cache, memory).value else { return false }
    let clock = (launchCycles + max(cycles, loadCycles)) / spare
    guard clock < maximum.value else { return false }
    guard let cap = power.cap else { return true }
    let joules = power.energyScale(at: clock, maximum: maximum) * dynamicEnergy.value + memoryEnergy.value
    return power.idle.value + joules / time.value <= cap.value
  }

  /// The time before anything is issued.
  func launch(_ clock: Double) -> Double { launch.value + launchCycles / clock }

  /// The time at a clock.
  func elapsed(_ clock: Double) -> Double { ElapsedTime(self)(clock) }
}

/// The last turn's shares of a kernel's times: cores wait in it where it has less of the others.
struct TurnShares {
  var cycles = 1.0
  var cache = 1.0
  var memory = 1.0

  /// Whether the turns before it are like it.
  var isEven: Bool { cycles == cache && cache == memory }

  /// What is left for the turns before it.
  var rest: TurnShares { TurnShares(cycles: 1 - cycles, cache: 1 - cache, memory: 1 - memory) }
}

/// A kernel's time, by its clock:
///
///     launch + Σ over its full turns and its last one, of (Σ tᵢᵖ)^(1/p)
///
/// with tᵢ the times of cores, of loads that wait for each other, of the shared cache and of off-chip memory in those
/// turns. Where they share all of it alike, the sum is that of the whole.
struct ElapsedTime {
  private typealias Powers = (cycles: Double, outer: Double)

  private let demand: PowerDemand
  /// The longest of all times at ``reference``: shares of it keep powers within range.
  private let longest: Double
  /// Powers of the shares that cycles and what does not depend on the clock have of it, in full turns and in the last one.
  private let full, last: Powers
  private static var reference: Double { 1e9 }

  init(_ demand: PowerDemand) {
    self.demand = demand
    let (core, loads) = (demand.cycles / Self.reference, demand.loadCycles / Self.reference)
    let (cache, memory) = (demand.cache.value, demand.memory.value)
    let longest = max(core, loads, cache, memory)
    self.longest = longest
    func together(_ a: Double, _ b: Double) -> Double {
      let p = demand.overlapExponent
      func power(_ time: Double) -> Double { time > 0 ? Double.pow(time / longest, p) : 0 }
      return p < .infinity ? power(a) + power(b) : max(a, b) / max(longest, .leastNonzeroMagnitude)
    }
    func powers(_ share: TurnShares) -> Powers {
      (together(share.cycles * core, share.cycles * loads), together(share.cache * cache, share.memory * memory))
    }
    let lastTurn = demand.lastTurn
    full = powers(lastTurn.isEven ? TurnShares() : lastTurn.rest)
    last = lastTurn.isEven ? (0, 0) : powers(lastTurn)
  }

  /// The seconds at a clock in hertz.
  func callAsFunction(_ clock: Double) -> Double {
    let p = demand.overlapExponent
    let slowdown = Self.reference / clock
    guard p < .infinity else {
      return demand.launch(clock) + longest
        * (max(full.cycles * slowdown, full.outer) + max(last.cycles * slowdown, last.outer))
    }
    let power = Double.pow(slowdown, p)
    func time(_ turns: Powers) -> Double {
      let sum = turns.cycles * power + turns.outer
      return sum > 0 ? longest * Double.pow(sum, 1 / p) : 0
    }
    return demand.launch(clock) + time(full) + time(last)
  }
}

/// The clock that kernels run at, and a kernel's time and energy there.
///
/// Time and energy are one problem: t(f) as ``PowerDemand`` gives it and
/// E(f) = idle·t(f) + (V(f)/V_max)²·dynamic + memory energy, with V(f)/V_max = floor + (1 − floor)·f/f_max, summed over
/// kernels; f is the highest clock up to f_max with E(f)/t(f) ≤ cap. Power grows with f, so a bracketed secant (the Illinois method) finds it.
///
/// Left out: temperature, the controller's steps and delay, leakage that grows with voltage.
struct OperatingPoint {
  var clock: Hertz
  var elapsed: Seconds
  /// The square of the voltage over the highest one.
  var energyScale: Double
  var isCapped: Bool

  /// The point of one kernel.
  /// - Parameter power: Its cap is the average power that is allowed.
  init(_ demand: PowerDemand, power: PowerModel, minimum: Hertz, maximum: Hertz) {
    self.init(
      power: power, minimum: minimum, maximum: maximum, dynamic: demand.dynamicEnergy.value,
      memory: demand.memoryEnergy.value, elapsed: ElapsedTime(demand).callAsFunction)
  }

  /// The point that kernels share, each run as many times as given; ``elapsed`` is the time of all.
  init(_ demands: [(PowerDemand, times: Double)], power: PowerModel, minimum: Hertz, maximum: Hertz) {
    let times = demands.map { (ElapsedTime($0.0), $0.times) }
    self.init(
      power: power, minimum: minimum, maximum: maximum,
      dynamic: demands.reduce(0) { $0 + $1.times * $1.0.dynamicEnergy.value },
      memory: demands.reduce(0) { $0 + $1.times * $1.0.memoryEnergy.value },
      elapsed: { clock in times.reduce(0) { $0 + $1.1 * $1.0(clock) } })
  }

  private init(
    power: PowerModel, minimum: Hertz, maximum: Hertz, dynamic: Double, memory: Double,
    elapsed: (_ clock: Double) -> Double
  ) {
    func scale(_ clock: Double) -> Double { power.energyScale(at: clock, maximum: maximum) }
    func watts(_ clock: Double) -> Double {
      power.idle.value + (scale(clock) * dynamic + memory) / elapsed(clock)
    }
    var clock = maximum.value
    isCapped = false
    if let cap = power.cap?.value, watts(clock) > cap {
      isCapped = true
      clock = minimum.value
      var (low, high) = (minimum.value, maximum.value)
      var (below, above) = (watts(low) - cap, watts(high) - cap)
      var side = 0
      // A 10⁻⁹ of the clock is far below any clock step.
      while below < 0, high - low > 1e-9 * high {
        let middle = (low * above - high * below) / (above - below)
        let excess = watts(middle) - cap
        clock = middle
        if excess.magnitude <= 1e-9 * cap { break }
        if excess > 0 {
          (high, above) = (middle, excess)
          if side > 0 { below /= 2 }
          side = 1
        } else {
          (low, below) = (middle, excess)
          if side < 0 { above /= 2 }
          side = -1
        }
      }
    }
    self.clock = Hertz(clock)
    self.elapsed = Seconds(elapsed(clock))
    energyScale = scale(clock)
  }

  /// The same point, of one of its kernels.
  func of(_ demand: PowerDemand) -> OperatingPoint {
    var point = self
    point.elapsed = Seconds(demand.elapsed(clock.value))
    return point
  }
}

extension PowerModel {
  /// The square of the voltage at a clock over the highest one.
  fileprivate func energyScale(at clock: Double, maximum: Hertz) -> Double {
    let voltage = voltageFloor + (1 - voltageFloor) * clock / maximum.value
    return voltage * voltage
  }
}
