import Hardware
import Quantities

/// What a kernel asks of a chip: the parts of its time that scale with the clock, those that do not, and its energy.
struct PowerDemand {
  /// Time before anything is issued.
  var launch: Seconds
  /// Cycles of the slowest on-chip resource.
  var cycles: Double
  /// Time of off-chip memory, beside the cycles.
  var memory: Seconds
  /// Energy of on-chip actions at the highest voltage.
  var dynamicEnergy: Joules
  /// Energy of off-chip memory, which the core's voltage does not change.
  var memoryEnergy: Joules
}

/// The clock a kernel runs at, and its time and energy there.
///
/// Time and energy are one problem: t(f) = launch + max(cycles/f, memory) and
/// E(f) = idle·t(f) + (V(f)/V_max)²·dynamic + memory energy, with V(f)/V_max = floor + (1 − floor)·f/f_max; f is the
/// highest clock up to f_max with E(f)/t(f) ≤ cap. Power grows with f, so bisection finds it.
///
/// Left out: temperature, the controller's steps and delay, leakage that grows with voltage.
struct OperatingPoint {
  var clock: Hertz
  var elapsed: Seconds
  /// The square of the voltage over the highest one.
  var energyScale: Double
  var isCapped: Bool

  init(_ demand: PowerDemand, power: PowerModel, minimum: Hertz, maximum: Hertz) {
    func elapsed(_ clock: Double) -> Double {
      demand.launch.value + max(demand.cycles / clock, demand.memory.value)
    }
    func scale(_ clock: Double) -> Double {
      let voltage = power.voltageFloor + (1 - power.voltageFloor) * clock / maximum.value
      return voltage * voltage
    }
    func watts(_ clock: Double) -> Double {
      power.idle.value
        + (scale(clock) * demand.dynamicEnergy.value + demand.memoryEnergy.value) / elapsed(clock)
    }
    var clock = maximum.value
    isCapped = false
    if let cap = power.cap?.value, watts(clock) > cap {
      isCapped = true
      var low = minimum.value
      var high = clock
      // 2⁻²⁴ of the range is far below any clock step.
      for _ in 0..<24 {
        let middle = (low + high) / 2
        if watts(middle) > cap { high = middle } else { low = middle }
      }
      clock = low
    }
    self.clock = Hertz(clock)
    self.elapsed = Seconds(elapsed(clock))
    energyScale = scale(clock)
  }
}
