import Diagnostics
import Testing
import Workloads

@Suite struct TrainingScheduleTests {
  /// Texts, and the phases they stand for.
  private static let schedules: [(text: String, phases: [String])] = [
    ("dense=1000,2:8=9000", ["1000 dense", "9000 2:8"]),
    (" 2:4 = 5 , dense = 1", ["5 2:4", "1 dense"]),
    ("decay(2:16)=10000", ["2500 dense", "2500 8:16", "2500 4:16", "2500 2:16"]),
    ("decay(2:8)=10,dense=3", ["3 dense", "3 4:8", "4 2:8", "3 dense"]),
    ("decay(2:4)=7", ["3 dense", "4 2:4"]),
    ("decay(3:8)=6", ["2 dense", "2 4:8", "2 3:8"]),
    ("decay(4:4)=3", ["3 dense"]),
  ]

  @Test(arguments: schedules)
  func `a schedule is read phase by phase`(text: String, phases: [String]) throws {
    let schedule = try TrainingSchedule(parsing: text)
    #expect(schedule.phases.map { "\($0.steps) \($0.pattern)" } == phases)
    #expect(schedule.steps == schedule.phases.map(\.steps).reduce(0, +))
  }

  @Test(arguments: [
    ("2:8", DiagnosticCode.invalidPattern, "'2:8' is not a phase of a schedule"),
    ("2:8=10,", .invalidPattern, "'' is not a phase of a schedule"),
    ("2:8=0", .outOfRange, "'0' is not a number of steps"),
    ("2:8=many", .outOfRange, "'many' is not a number of steps"),
    ("8:2=10", .invalidPattern, "'8:2' cannot exist: of 2 elements, 8 cannot be kept"),
    ("16x=10", .invalidPattern, "a phase prunes to N:M or is dense; '16x' is neither"),
    ("decay(dense)=10", .invalidPattern, "dense training does not decay"),
    ("decay(2:16)=3", .outOfRange, "3 steps are too few for the 4 patterns of decay(2:16)"),
  ])
  func `what is no schedule is refused with what would be`(text: String, code: DiagnosticCode, message: String) throws {
    let error = #expect(throws: DiagnosticList.self) { try TrainingSchedule(parsing: text) }
    #expect(error?.diagnostics.map(\.code) == [code])
    #expect(error?.diagnostics.first?.message == message)
    #expect(error?.diagnostics.first?.help != nil)
  }
}
